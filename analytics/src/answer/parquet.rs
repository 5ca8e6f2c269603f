//! Rows by columns: a Parquet file with one row group, typed and uncompressed columns that may all be null, and what the answer
//! says beside its rows in the footer, as JSON under the key `whence`.
//!
//! Instants are stored as milliseconds in UTC, so that readers know them for what they are; their time zone is in the footer.

use std::sync::Arc;

use jiff::Timestamp;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use serde_json::Value;

use super::column::Kind;
use super::table::Table;

/// The whole file.
pub(super) fn write(table: &Table, about: &Value) -> Result<Vec<u8>, ParquetError> {
    let columns: Vec<Cells> = (0..table.columns.len())
        .map(|place| Cells::of(table, place))
        .collect();
    let fields = table.columns.iter().zip(&columns);
    let fields = fields.map(|((name, _), cells)| cells.field(name).map(Arc::new));
    let schema = Type::group_type_builder("report")
        .with_fields(fields.collect::<Result<_, _>>()?)
        .build()?;
    let about = KeyValue::new("whence".to_owned(), about.to_string());
    let properties = WriterProperties::builder()
        .set_created_by(concat!("whence ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![about]))
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for cells in &columns {
        cells.write(&mut group)?;
    }
    group.close()?;
    // Writes the footer.
    file.into_inner()
}

/// The cells of a column, each with a value or none.
enum Cells {
    Flags(Vec<Option<bool>>),
    Wholes(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    /// Milliseconds since 1970.
    Times(Vec<Option<i64>>),
    Texts(Vec<Option<ByteArray>>),
}

impl Cells {
    fn of(table: &Table, place: usize) -> Self {
        let cells = || table.rows.iter().map(|row| &row[place]);
        match table.columns[place].1 {
            Kind::Flag => Self::Flags(cells().map(Value::as_bool).collect()),
            Kind::Whole => Self::Wholes(cells().map(Value::as_i64).collect()),
            Kind::Number => Self::Numbers(cells().map(Value::as_f64).collect()),
            Kind::Time => {
                let times: Vec<_> = cells().map(instant).collect();
                let is_whole = cells()
                    .zip(&times)
                    .all(|(cell, time)| cell.is_null() || time.is_some());
                match is_whole {
                    true => Self::Times(times),
                    false => Self::Texts(cells().map(text).collect()),
                }
            }
            Kind::Text | Kind::Empty => Self::Texts(cells().map(text).collect()),
        }
    }

    /// How the column stands in the schema.
    fn field(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, logical) = match self {
            Self::Flags(_) => (Physical::BOOLEAN, None),
            Self::Wholes(_) => (Physical::INT64, None),
            Self::Numbers(_) => (Physical::DOUBLE, None),
            Self::Times(_) => (
                Physical::INT64,
                Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
            ),
            Self::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
    }

    fn write(&self, group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<(), ParquetError> {
        match self {
            Self::Flags(cells) => column::<BoolType>(group, cells),
            Self::Wholes(cells) | Self::Times(cells) => column::<Int64Type>(group, cells),
            Self::Numbers(cells) => column::<DoubleType>(group, cells),
            Self::Texts(cells) => column::<ByteArrayType>(group, cells),
        }
    }
}

/// Writes a column: its values, and of each cell whether there is one.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    cells: &[Option<T::T>],
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column too many".to_owned()));
    };
    let values: Vec<T::T> = cells.iter().flatten().cloned().collect();
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    column
        .typed::<T>()
        .write_batch(&values, Some(&levels), None)?;
    column.close()
}

fn instant(value: &Value) -> Option<i64> {
    let at: Timestamp = value.as_str()?.parse().ok()?;
    Some(at.as_millisecond())
}

fn text(value: &Value) -> Option<ByteArray> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.as_str().into()),
        other => Some(other.to_string().as_str().into()),
    }
}

//! Sums of money, each currency for itself.

use serde::Serialize;
use utoipa::ToSchema;

/// A sum in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Amount {
    /// ISO 4217 code.
    currency: String,
    /// Minor units (cents, yen, fils), exactly.
    #[schema(value_type = i64)]
    amount_minor: i128,
}

/// Currencies and their sums, as `sumMap` gives them: side by side, by currency.
pub(super) type Sums = (Vec<String>, Vec<i128>);

/// The sums as the API shows them.
pub(super) fn amounts((currencies, sums): Sums) -> Vec<Amount> {
    let pairs = currencies.into_iter().zip(sums);
    pairs
        .map(|(currency, amount_minor)| Amount {
            currency,
            amount_minor,
        })
        .collect()
}

//! Whether a sale can be taken back: the rules, without where what they ask is known from.
//!
//! What cannot be known now is accepted. A sale may come after its refund, and reports never take back
//! more than a sale was worth, whatever was accepted.

use whence_core::conversion::{ConversionKind, Money};

use super::receipt::Receipt;

/// The most refunds of one sale: each of them is looked at when the next one comes.
pub(super) const MOST: usize = 1_000;

/// Why it cannot, by the field that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// The field.
    pub(crate) field: &'static str,
    /// What is wrong with it.
    pub(crate) detail: String,
}

fn unfit(field: &'static str, detail: impl Into<String>) -> Result<(), Unfit> {
    Err(Unfit {
        field,
        detail: detail.into(),
    })
}

/// Whether `new` can take back `original`, of which `earlier` have taken back some. Without an original
/// there is nothing to compare it with yet.
pub(super) fn check(
    new: &Receipt,
    original: Option<&Receipt>,
    earlier: &[Receipt],
) -> Result<(), Unfit> {
    if earlier.len() >= MOST {
        return unfit("reference", format!("has {MOST} refunds already"));
    }
    let Some(original) = original else {
        return Ok(());
    };
    if original.kind != ConversionKind::Sale {
        let kind = original.kind.name();
        return unfit(
            "reference",
            format!("is a {kind}, and only a sale can be taken back"),
        );
    }
    let is_cancelled = |receipt: &Receipt| receipt.kind == ConversionKind::Cancellation;
    if earlier.iter().any(is_cancelled) {
        return unfit("reference", "was cancelled already");
    }
    let Some(back) = new.amount else {
        return Ok(());
    };
    let Some(paid) = original.amount else {
        return unfit(
            "reference",
            "is a sale without an amount; it can only be cancelled",
        );
    };
    if back.currency != paid.currency {
        let code = paid.code();
        return unfit("currency", format!("must be {code}, as that of the sale"));
    }
    let left = left(paid, earlier);
    if back.minor > left {
        return unfit(
            "amount",
            format!("must be at most {left}: more is not left of the sale"),
        );
    }
    Ok(())
}

/// What earlier refunds have left of a sale.
fn left(paid: Money, earlier: &[Receipt]) -> i64 {
    let refunded = earlier
        .iter()
        .filter_map(|receipt| receipt.amount)
        .filter(|amount| amount.currency == paid.currency)
        .fold(0_i64, |sum, amount| sum.saturating_add(amount.minor));
    paid.minor.saturating_sub(refunded).max(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conversion::receipt::Facts;
    use crate::conversion::receipt::tests::FACTS;

    fn receipt(kind: ConversionKind, amount: Option<(i64, [u8; 3])>) -> Receipt {
        Receipt::new(Facts {
            kind,
            amount: amount.map(|(minor, currency)| Money { minor, currency }),
            ..FACTS
        })
    }

    fn refund(minor: i64) -> Receipt {
        receipt(ConversionKind::Refund, Some((minor, *b"EUR")))
    }

    #[test]
    fn what_cannot_be_taken_back() {
        use ConversionKind::{Cancellation, Lead, Sale};
        let sale = receipt(Sale, Some((1000, *b"EUR")));
        let cancelled = receipt(Cancellation, None);
        let table = [
            (refund(1000), Some(sale), vec![], ""),
            (refund(1001), Some(sale), vec![], "amount"),
            (refund(400), Some(sale), vec![refund(600)], ""),
            (refund(401), Some(sale), vec![refund(600)], "amount"),
            (
                refund(1),
                Some(sale),
                vec![refund(i64::MAX), refund(i64::MAX)],
                "amount",
            ),
            (refund(1), Some(sale), vec![cancelled], "reference"),
            (cancelled, Some(sale), vec![cancelled], "reference"),
            (cancelled, Some(sale), vec![refund(600)], ""),
            (cancelled, Some(receipt(Sale, None)), vec![], ""),
            (refund(1), Some(receipt(Sale, None)), vec![], "reference"),
            (
                refund(1),
                Some(receipt(Sale, Some((1000, *b"JPY")))),
                vec![],
                "currency",
            ),
            (
                refund(1),
                Some(receipt(Lead, Some((1000, *b"EUR")))),
                vec![],
                "reference",
            ),
            (refund(1), Some(refund(5)), vec![], "reference"),
            (refund(1_000_000), None, vec![], ""),
            (refund(1), None, vec![refund(1); MOST], "reference"),
        ];
        for (new, original, earlier, field) in table {
            let told = check(&new, original.as_ref(), &earlier);
            let found = told.as_ref().err().map_or("", |unfit| unfit.field);
            assert_eq!(
                found, field,
                "{new:?} of {original:?} after {earlier:?}: {told:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_more_than_was_paid(paid in 0..2_000_i64, asked in prop::collection::vec(1..900_i64, 0..12)) {
            let sale = receipt(ConversionKind::Sale, Some((paid, *b"EUR")));
            let mut accepted: Vec<Receipt> = Vec::new();
            let mut sum = 0;
            for minor in asked {
                let fits = check(&refund(minor), Some(&sale), &accepted).is_ok();
                prop_assert_eq!(fits, sum + minor <= paid);
                if fits {
                    sum += minor;
                    accepted.push(refund(minor));
                }
            }
        }
    }
}

//! Sums of money, each currency for itself.

use serde::Serialize;
use utoipa::ToSchema;

/// A sum in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Amount {
    /// ISO 4217 code.
    currency: String,
    /// Minor units (cents, yen, fils), exactly.
    #[schema(value_type = i64)]
    amount_minor: i128,
}

/// Currencies and their sums, as `sumMap` gives them: side by side, by currency.
pub(crate) type Sums = (Vec<String>, Vec<i128>);

/// Sums less others, by currency; what comes to nothing is told as 0.
pub(crate) fn less((mut currencies, mut sums): Sums, (taken, amounts): &Sums) -> Sums {
    for (currency, amount) in taken.iter().zip(amounts) {
        match currencies.binary_search(currency) {
            Ok(at) => sums[at] -= amount,
            Err(at) => {
                currencies.insert(at, currency.clone());
                sums.insert(at, -amount);
            }
        }
    }
    (currencies, sums)
}

/// The sums as the API shows them.
pub(crate) fn amounts((currencies, sums): Sums) -> Vec<Amount> {
    let pairs = currencies.into_iter().zip(sums);
    pairs
        .map(|(currency, amount_minor)| Amount {
            currency,
            amount_minor,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(of: &[(&str, i128)]) -> Sums {
        of.iter()
            .map(|(code, sum)| ((*code).to_owned(), *sum))
            .unzip()
    }

    #[test]
    fn each_currency_is_taken_from_its_own() {
        let sold = sums(&[("EUR", 5), ("JPY", 7), ("USD", 3)]);
        let back = sums(&[("AUD", 1), ("JPY", 2), ("USD", 3)]);
        let expected = sums(&[("AUD", -1), ("EUR", 5), ("JPY", 5), ("USD", 0)]);
        assert_eq!(less(sold, &back), expected);
    }
}

//! What was paid: the costs that a request gives.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// How many costs a request may give.
const MOST: usize = 100;
/// The longest name of a channel, as links have it.
const LONGEST_CHANNEL: usize = 128;
/// The highest cost: a quadrillion minor units, so that all of them together can be added and told.
const HIGHEST: u64 = 1_000_000_000_000_000;

/// Costs by currency, and by currency and channel where they were told so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Costs {
    /// Everything that was paid in a currency, for whatever channel.
    pub(super) whole: BTreeMap<String, u64>,
    /// What was paid in a currency for a channel.
    pub(super) by_channel: BTreeMap<(String, String), u64>,
}

impl Costs {
    /// Whether none are given.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty()
    }

    /// Reads `[{"currency": "EUR", "amount_minor": 50000, "channel": "Email"}]`, or as an address has it
    /// `EUR:50000:Email`, with commas between several; what is wrong comes with its place.
    pub(super) fn read(value: Value) -> Result<Self, (String, String)> {
        let values: Vec<Value> = match value {
            Value::Array(values) => values,
            Value::String(text) => text.split(',').map(in_address).collect(),
            _ => return Err((String::new(), "must be a list of objects".to_owned())),
        };
        if values.len() > MOST {
            return Err((String::new(), format!("must have at most {MOST}")));
        }
        let mut costs = Self::default();
        for (number, value) in values.into_iter().enumerate() {
            let at = |(place, told): (&str, &str)| {
                let dot = if place.is_empty() { "" } else { "." };
                (format!("[{number}]{dot}{place}"), told.to_owned())
            };
            let Value::Object(fields) = value else {
                return Err(at((
                    "",
                    "must be an object: {\"currency\": …, \"amount_minor\": …}",
                )));
            };
            costs.add(&fields).map_err(at)?;
        }
        Ok(costs)
    }

    fn add(&mut self, fields: &Map<String, Value>) -> Result<(), (&'static str, &'static str)> {
        let known = ["currency", "amount_minor", "channel"];
        if fields.keys().any(|name| !known.contains(&name.as_str())) {
            return Err((
                "",
                "has a field that is not known here; known are: currency, amount_minor, channel",
            ));
        }
        let currency = fields.get("currency").and_then(Value::as_str);
        let is_code =
            |code: &&str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        let currency = currency
            .filter(is_code)
            .ok_or(("currency", "must be a code of ISO 4217, such as EUR"))?;
        let amount = fields.get("amount_minor").and_then(Value::as_u64);
        let amount = amount.filter(|amount| (1..=HIGHEST).contains(amount));
        let amount = amount.ok_or((
            "amount_minor",
            "must be a whole number of minor units from 1 to 1000000000000000",
        ))?;
        let channel = match fields.get("channel") {
            None | Some(Value::Null) => None,
            Some(Value::String(channel))
                if !channel.is_empty() && channel.len() <= LONGEST_CHANNEL =>
            {
                Some(channel.clone())
            }
            Some(_) => return Err(("channel", "must be a text of 1 to 128 bytes")),
        };
        *self.whole.entry(currency.to_owned()).or_default() += amount;
        if let Some(channel) = channel {
            let place = (currency.to_owned(), channel);
            *self.by_channel.entry(place).or_default() += amount;
        }
        Ok(())
    }
}

/// A cost of an address as the object that it stands for.
fn in_address(text: &str) -> Value {
    let mut parts = text.trim().splitn(3, ':');
    let mut cost = Map::new();
    for name in ["currency", "amount_minor", "channel"] {
        if let Some(part) = parts.next() {
            let number = part.parse::<u64>().ok().filter(|_| name == "amount_minor");
            let value = number.map_or_else(|| Value::from(part), Value::from);
            cost.insert(name.to_owned(), value);
        }
    }
    Value::Object(cost)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn costs_of_one_kind_are_one() {
        let costs = Costs::read(json!([
            {"currency": "EUR", "amount_minor": 100},
            {"currency": "EUR", "amount_minor": 20, "channel": "Email"},
            {"currency": "EUR", "amount_minor": 3, "channel": "Email"},
            {"currency": "JPY", "amount_minor": 7, "channel": null},
        ]))
        .unwrap();
        let whole = [("EUR".to_owned(), 123), ("JPY".to_owned(), 7)];
        assert_eq!(costs.whole, whole.into());
        let email = (("EUR".to_owned(), "Email".to_owned()), 23);
        assert_eq!(costs.by_channel, [email].into());
        let in_address = json!("EUR:100,EUR:20:Email, EUR:3:Email,JPY:7");
        assert_eq!(Costs::read(in_address), Ok(costs));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let eur = |amount: Value| json!([{"currency": "EUR", "amount_minor": amount}]);
        for (costs, place) in [
            (json!({}), ""),
            (json!("EUR:1,EUR"), "[1].amount_minor"),
            (json!("EUR:1:"), "[0].channel"),
            (json!([5]), "[0]"),
            (
                json!([{"currency": "EUR", "amount_minor": 1, "for": "x"}]),
                "[0]",
            ),
            (
                json!([{"currency": "eur", "amount_minor": 1}]),
                "[0].currency",
            ),
            (json!([{"amount_minor": 1}]), "[0].currency"),
            (eur(json!(0)), "[0].amount_minor"),
            (eur(json!(1.5)), "[0].amount_minor"),
            (eur(json!("5")), "[0].amount_minor"),
            (eur(json!(1_000_000_000_000_001_u64)), "[0].amount_minor"),
            (
                json!([{"currency": "EUR", "amount_minor": 1}, {"currency": "EUR", "amount_minor": 1, "channel": ""}]),
                "[1].channel",
            ),
            (json!(vec![json!({}); 101]), ""),
        ] {
            assert_eq!(Costs::read(costs.clone()).unwrap_err().0, place, "{costs}");
        }
    }
}

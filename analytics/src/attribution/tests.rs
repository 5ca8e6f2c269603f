//! The models against what their definitions say, added up without any cleverness.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::split::split;
use super::weights::{Touch, weights};
use super::*;

fn given(model: Model, touches: &[(bool, f64)]) -> Vec<u64> {
    let touches: Vec<_> = touches
        .iter()
        .map(|&(direct, age)| Touch { direct, age })
        .collect();
    weights(model, &touches).unwrap()
}

fn paths(lines: &[(&str, u64, i128, u64)]) -> Paths {
    let mut paths = Paths::default();
    for (path, conversions, value, null) in lines {
        let touches = path.split_whitespace();
        let touches = touches.map(|name| paths.channel(name)).collect();
        paths.paths.push(Path {
            touches,
            conversions: *conversions,
            value: *value,
            null: *null,
        });
    }
    paths
}

/// Conversions of each channel under a model, in whole ones.
fn conversions(paths: &Paths, model: Model) -> Vec<f64> {
    let credits = attribute(paths, &[model]).unwrap();
    let channels = credits[0].channels.iter();
    channels
        .map(|credit| credit.conversions as f64 / MICRO as f64)
        .collect()
}

#[test]
fn an_amount_is_divided_to_the_unit() {
    for (amount, weights, parts) in [
        (100, &[1, 1, 1][..], vec![34, 33, 33]),
        (101, &[1, 1, 1], vec![34, 34, 33]),
        (-100, &[1, 1, 1], vec![-34, -33, -33]),
        (1, &[0, 5, 5], vec![0, 1, 0]),
        (7, &[], vec![]),
        (7, &[0, 0], vec![0, 0]),
        (10, &[40, 20, 40], vec![4, 2, 4]),
        (
            i128::from(i64::MAX),
            &[u64::MAX, u64::MAX],
            vec![i128::from(i64::MAX) / 2 + 1, i128::from(i64::MAX) / 2],
        ),
    ] {
        assert_eq!(split(amount, weights), parts, "{amount} by {weights:?}");
    }
}

#[test]
fn rules_give_weights() {
    let position = Model::Position {
        first: 40,
        last: 40,
    };
    let day = |half_life| Model::TimeDecay { half_life };
    let (ad, direct) = (false, true);
    let far = 1e6;
    for (model, touches, expected) in [
        (Model::First, &[(ad, 3.0), (ad, 2.0)][..], vec![1, 0]),
        (Model::Last, &[(ad, 3.0), (direct, 2.0)], vec![0, 1]),
        (
            Model::LastNonDirect,
            &[(ad, 3.0), (ad, 2.5), (direct, 2.0)],
            vec![0, 1, 0],
        ),
        (
            Model::LastNonDirect,
            &[(direct, 3.0), (direct, 2.0)],
            vec![0, 1],
        ),
        (
            Model::Linear,
            &[(ad, 3.0), (ad, 2.0), (ad, 1.0)],
            vec![1, 1, 1],
        ),
        (position, &[(ad, 1.0)], vec![1]),
        (position, &[(ad, 2.0), (ad, 1.0)], vec![40, 40]),
        (
            position,
            &[(ad, 3.0), (ad, 2.0), (ad, 1.0)],
            vec![40, 20, 40],
        ),
        (
            position,
            &[(ad, 4.0), (ad, 3.0), (ad, 2.0), (ad, 1.0)],
            vec![80, 20, 20, 80],
        ),
        (
            day(7.0),
            &[(ad, 14.0), (ad, 7.0), (ad, 0.0)],
            vec![1 << 50, 1 << 51, 1 << 52],
        ),
        (
            day(7.0),
            &[(ad, far + 7.0), (ad, far)],
            vec![1 << 51, 1 << 52],
        ),
        (Model::Linear, &[], vec![]),
    ] {
        assert_eq!(given(model, touches), expected, "{model} of {touches:?}");
    }
}

/// Two channels, worked out by hand: P(conversion) is 3/4; without A only B alone (1/4) converts, without B nothing but A
/// alone (1/4).
#[test]
fn a_markov_chain_worked_out_by_hand() {
    let paths = paths(&[
        ("A B", 1, 0, 0),
        ("A", 1, 0, 0),
        ("B", 1, 0, 0),
        ("A", 0, 0, 1),
    ]);
    // From A (3 visits): 1/3 to B, 1/3 converts, 1/3 is lost. From B (2 visits): always converts. From the start: 3/4 to A.
    let with_all = 0.75 * (1.0 / 3.0 + 1.0 / 3.0) + 0.25;
    let (without_a, without_b) = (0.25, 0.75 / 3.0);
    let effects = [1.0 - without_a / with_all, 1.0 - without_b / with_all];
    let sum: f64 = effects.iter().sum();
    let expected: Vec<f64> = effects.iter().map(|effect| 3.0 * effect / sum).collect();
    let found = conversions(&paths, Model::Markov { order: 1 });
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn a_chain_remembers_as_much_as_its_order_says() {
    // After A, then B, everybody converts; after C, then B, nobody. One touch of memory cannot tell them apart.
    let paths = paths(&[("A B", 10, 0, 0), ("C B", 0, 0, 10)]);
    let first = conversions(&paths, Model::Markov { order: 1 });
    let second = conversions(&paths, Model::Markov { order: 2 });
    assert!(first[2] > 1.0, "C by its share of B: {first:?}");
    assert!(second[2].abs() < 1e-9, "C leads nowhere: {second:?}");
}

#[test]
fn paths_that_never_end_are_told() {
    let endless = paths(&[("A B A B A B", 1, 0, 0)]);
    assert!(attribute(&endless, &[Model::Markov { order: 1 }]).is_ok());
    let mut hardly = String::new();
    for _ in 0..300_000 {
        hardly.push_str("A B ");
    }
    let hardly = paths(&[(&hardly, 1, 0, 0)]);
    assert_eq!(
        attribute(&hardly, &[Model::Markov { order: 1 }]),
        Err(Unsettled::NeverEnds)
    );
}

#[test]
fn a_chain_that_is_too_large_is_told() {
    let paths = paths(&[("A B C", 1, 0, 3), ("B A", 2, 0, 1)]);
    assert!(effects(&paths, 1, 1_000).is_ok());
    assert_eq!(effects(&paths, 1, 30), Err(Unsettled::TooLarge));
}

#[test]
fn names_of_models() {
    for model in Model::ALL {
        assert_eq!(model.to_string().parse::<Model>().unwrap(), model);
    }
    assert_eq!(
        "markov:3".parse::<Model>().unwrap(),
        Model::Markov { order: 3 }
    );
    for wrong in [
        "",
        "First",
        "markov:4",
        "markov:",
        "position:60:60",
        "position:0:0",
        "position:40",
        "time_decay:0",
        "time_decay:NaN",
        "linear:1",
        "u-shaped",
    ] {
        let error = wrong.parse::<Model>().unwrap_err().to_string();
        assert!(error.contains("last_non_direct"), "{error}");
    }
}

#[test]
fn a_file_of_paths() {
    let text = "path,total_conversions,total_conversion_value,total_null\n\
        Email > Direct,2,20.5,3\n\
        \"Social, paid>Email\",1,0.25,0\n\
        ,1,4,0\n";
    let file = file::read(text.as_bytes()).unwrap();
    assert_eq!((file.decimals, file.has_values), (2, true));
    assert_eq!(file.paths.channels(), ["Email", "Direct", "Social, paid"]);
    let values: Vec<_> = file.paths.paths.iter().map(|path| path.value).collect();
    assert_eq!(values, [2050, 25, 400]);
    let credits = attribute(&file.paths, &[Model::LastNonDirect]).unwrap();
    let value = |channel: usize| credits[0].channels[channel].value;
    assert_eq!(
        (value(0), value(1), credits[0].unattributed.value),
        (2075, 0, 400)
    );
}

#[test]
fn a_wrong_file_is_told_by_line_and_column() {
    for (text, told) in [
        (
            "path,conversions\n",
            "line 1: there is no column total_conversions",
        ),
        (
            "path,path,total_conversions\n",
            "line 1: the column path is there twice",
        ),
        (
            "path,total_conversions\nA,x\n",
            "line 2: total_conversions: must be a whole number",
        ),
        (
            "path,total_conversions\nA,1.5\n",
            "line 2: total_conversions",
        ),
        (
            "path,total_conversions\nA > > B,1\n",
            "line 2: path: a touch between",
        ),
        (
            "path,total_conversions,total_null\nA,1,\nA,1,-1\n",
            "line 3: total_null",
        ),
        (
            "path,total_conversions,total_conversion_value\nA,1,1e9\n",
            "line 2: total_conversion_value: must be a decimal",
        ),
        (
            "path,total_conversions,total_conversion_value\nA,1,0.1234567\n",
            "at most 18 digits",
        ),
        ("path,total_conversions\nA,1,2\n", "record 1"),
    ] {
        let error = file::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told), "{text:?}: {error}");
    }
}

/// Few channels, so that they repeat and meet.
fn any_paths() -> impl Strategy<Value = Paths> {
    let channel = prop::sample::select(vec!["A", "B", "C", "Direct", "E"]);
    let path = (
        prop::collection::vec(channel, 0..6),
        0..9_u64,
        -999..9999_i128,
        0..9_u64,
    );
    prop::collection::vec(path, 0..12).prop_map(|lines| {
        let lines: Vec<_> = lines
            .iter()
            .map(|(touches, often, value, null)| (touches.join(" "), *often, *value, *null))
            .collect();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| (&*line.0, line.1, line.2, line.3))
            .collect();
        paths(&lines)
    })
}

/// What the channels in `set` earned alone.
fn worth(paths: &Paths, set: &BTreeSet<u32>) -> f64 {
    let alone = |path: &&Path| path.touches.iter().all(|channel| set.contains(channel));
    let touched = paths.paths.iter().filter(|path| !path.touches.is_empty());
    touched
        .filter(alone)
        .map(|path| path.conversions as f64)
        .sum()
}

/// The Shapley value by its definition: over all sets of the others, what a channel adds.
fn shapley_by_definition(paths: &Paths, channel: u32, channels: u32) -> f64 {
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let mut value = 0.0;
    for mask in 0..1_u32 << channels {
        if mask & (1 << channel) != 0 {
            continue;
        }
        let others: BTreeSet<u32> = (0..channels).filter(|c| mask & (1 << c) != 0).collect();
        let mut with = others.clone();
        with.insert(channel);
        let size = others.len() as u32;
        let chance = factorial(size) * factorial(channels - size - 1) / factorial(channels);
        value += chance * (worth(paths, &with) - worth(paths, &others));
    }
    value
}

/// How probably a path converts, by steps of the chain of order 1 one after another.
fn chance(paths: &Paths, removed: Option<u32>) -> f64 {
    let channels = paths.channels().len();
    // Rows: channels, then the start; columns: channels, then conversion, then all.
    let mut counts = vec![vec![0.0; channels + 2]; channels + 1];
    for path in &paths.paths {
        let often = (path.conversions + path.null) as f64;
        let mut at = channels;
        for channel in &path.touches {
            counts[at][*channel as usize] += often;
            counts[at][channels + 1] += often;
            at = *channel as usize;
        }
        counts[at][channels] += path.conversions as f64;
        counts[at][channels + 1] += often;
    }
    let mut here = vec![0.0; channels + 1];
    here[channels] = 1.0;
    let mut converted = 0.0;
    for _ in 0..3_000 {
        let mut next = vec![0.0; channels + 1];
        for (at, mass) in here.iter().enumerate() {
            let all = counts[at][channels + 1];
            if *mass == 0.0 || all == 0.0 || removed == Some(at as u32) {
                continue;
            }
            converted += mass * counts[at][channels] / all;
            for to in 0..channels {
                next[to] += mass * counts[at][to] / all;
            }
        }
        here = next;
    }
    converted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parts_add_up_and_are_in_proportion(
        amount in any::<i64>(), weights in prop::collection::vec(any::<u64>(), 1..20),
    ) {
        let parts = split(amount.into(), &weights);
        let total: u128 = weights.iter().map(|w| u128::from(*w)).sum();
        prop_assume!(total > 0);
        prop_assert_eq!(parts.iter().sum::<i128>(), i128::from(amount));
        for (part, weight) in parts.iter().zip(&weights) {
            let exact = amount as f64 * (*weight as f64 / total as f64);
            prop_assert!((*part as f64 - exact).abs() <= 1.0 + exact.abs() * 1e-12);
        }
        let back: Vec<i128> = split(-i128::from(amount), &weights).iter().map(|part| -part).collect();
        prop_assert_eq!(back, parts);
    }

    /// Under every model all that was earned is given, to the unit.
    #[test]
    fn credits_add_up(paths in any_paths()) {
        let models = [&Model::ALL[..], &[Model::Markov { order: 2 }, Model::Markov { order: 3 }]].concat();
        let conversions: u64 = paths.paths.iter().map(|path| path.conversions).sum();
        let value: i128 = paths.paths.iter().map(|path| path.value).sum();
        for credits in attribute(&paths, &models).unwrap() {
            let all = credits.channels.iter().chain([&credits.unattributed]);
            let (mut given, mut worth) = (0, 0);
            for credit in all {
                given += credit.conversions;
                worth += credit.value;
            }
            prop_assert_eq!(given, i128::from(conversions) * MICRO, "{}", credits.model);
            prop_assert_eq!(worth, value, "{}", credits.model);
        }
    }

    #[test]
    fn shapley_is_what_its_definition_adds_up_to(paths in any_paths()) {
        let channels = paths.channels().len() as u32;
        let found = conversions(&paths, Model::Shapley);
        for channel in 0..channels {
            let expected = shapley_by_definition(&paths, channel, channels);
            // A millionth for each path that was divided.
            prop_assert!((found[channel as usize] - expected).abs() < 2e-5, "{} {expected}", found[channel as usize]);
        }
    }

    #[test]
    fn removal_effects_are_what_walking_the_chain_says(paths in any_paths()) {
        let with_all = chance(&paths, None);
        let touched: f64 = paths.paths.iter().filter(|path| !path.touches.is_empty()).map(|path| path.conversions as f64).sum();
        prop_assume!(with_all > 0.0 && touched > 0.0);
        let effects: Vec<f64> = (0..paths.channels().len() as u32)
            .map(|channel| 1.0 - chance(&paths, Some(channel)) / with_all)
            .collect();
        let sum: f64 = effects.iter().sum();
        let found = conversions(&paths, Model::Markov { order: 1 });
        for (found, effect) in found.iter().zip(&effects) {
            prop_assert!((found - touched * effect / sum).abs() < 1e-5, "{found} {effect} {sum}");
        }
    }
}

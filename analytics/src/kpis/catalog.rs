//! Which KPIs there are. Each definition stands beside the counts that it divides; what is counted how says `sql/kpis`.

mod growth;
mod people;
mod traffic;

use super::variant::Variant;

/// The families, in the order in which they are told. The last four need costs.
pub(super) const FAMILIES: [&str; 13] = [
    "referrer_rate",
    "participation",
    "share_rate",
    "share_click_through",
    "lead_conversion",
    "sale_conversion",
    "referral_share",
    "viral_coefficient",
    "viral_cycle_time",
    "acquisition_cost",
    "return_on_ad_spend",
    "return_on_investment",
    "payback",
];

/// Every variant that needs no costs, in the order of the families.
pub(super) fn variants() -> impl Iterator<Item = &'static Variant> {
    people::VARIANTS
        .iter()
        .chain(traffic::VARIANTS)
        .chain(growth::VARIANTS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn families_come_in_their_order_and_names_are_told_once() {
        let place = |kpi: &str| FAMILIES.iter().position(|family| *family == kpi).unwrap();
        let places: Vec<usize> = variants().map(|variant| place(variant.kpi)).collect();
        assert!(places.is_sorted());
        let names: BTreeSet<_> = variants()
            .map(|variant| (variant.kpi, variant.name))
            .collect();
        assert_eq!(names.len(), places.len());
        let told: BTreeSet<_> = places.into_iter().collect();
        assert_eq!(
            told.len(),
            FAMILIES.len() - 4,
            "all but those that need costs"
        );
    }
}

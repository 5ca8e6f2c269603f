//! Who refers, who takes part, who shares.

use crate::kpis::variant::Measure::Rate;
use crate::kpis::variant::Need::{Enrolled, Shares};
use crate::kpis::variant::Unit::{Ratio, Share};
use crate::kpis::variant::{Variant, of};

/// In the order in which they are told.
pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        kpi: "referrer_rate",
        name: "customers_who_referred",
        unit: Share,
        numerator: "customers who referred somebody who became a customer in the range",
        denominator: "customers by the end of the range",
        windowed: false,
        needs: &[],
        measure: Rate(|m| of(m.customers.customers, m.customers.customers_who_referred)),
        definition: "Of everybody who was a customer by the end of the range, the share who is the advocate to whom somebody's \
                     first conversion in the range is owed.",
        source: "The share of customers who refer others, as Viral Loops and Uxcel define the referral rate of users",
    },
    Variant {
        kpi: "referrer_rate",
        name: "customers_with_clicks",
        unit: Share,
        numerator: "customers whose links were clicked in the range",
        denominator: "customers by the end of the range",
        windowed: false,
        needs: &[],
        measure: Rate(|m| {
            of(
                m.customers.customers,
                m.customers.customers_who_were_clicked,
            )
        }),
        definition: "Of everybody who was a customer by the end of the range, the share on whose links as an advocate at least \
                     one click counts in the range.",
        source: "Whence: what can be told of sharing without share events",
    },
    Variant {
        kpi: "referrer_rate",
        name: "cohort_who_referred",
        unit: Share,
        numerator: "members who referred somebody within the window",
        denominator: "members of the cohort whose window is over",
        windowed: true,
        needs: &[],
        measure: Rate(|m| {
            of(m.customers.members, m.customers.members_who_referred).open(m.customers.open_members)
        }),
        definition: "Of the cohort's customers, the share who within the window after their own first conversion referred \
                     somebody who became a customer.",
        source: "The referral rate of users, over a closed cohort so that everybody had the same time",
    },
    Variant {
        kpi: "referrer_rate",
        name: "clicked_advocates_who_referred",
        unit: Share,
        numerator: "of them those who referred somebody who became a customer in the range",
        denominator: "advocates whose links were clicked in the range",
        windowed: false,
        needs: &[],
        measure: Rate(|m| {
            of(
                m.customers.clicked_advocates,
                m.customers.clicked_advocates_who_referred,
            )
        }),
        definition: "Of all advocates whose links were clicked in the range, customers or not, the share to whom somebody's first \
                     conversion in the range is owed.",
        source: "Whence",
    },
    Variant {
        kpi: "referrer_rate",
        name: "new_customers_per_sharer",
        unit: Ratio,
        numerator: "referred people whose first conversion is in the range",
        denominator: "advocates who shared in the range",
        windowed: false,
        needs: &[Shares],
        measure: Rate(|m| of(m.customers.sharers, m.customers.new_referred)),
        definition: "How many people were won by referral in the range for each advocate who shared in it. It may exceed 1.",
        source: "Extole's acquisition rate: converters by advocates",
    },
    Variant {
        kpi: "participation",
        name: "customers_with_link",
        unit: Share,
        numerator: "of them those who are the advocate of a link",
        denominator: "customers whom a conversion of the range names",
        windowed: false,
        needs: &[Enrolled],
        measure: Rate(|m| {
            let enrolled = m.enrolled.unwrap_or_default();
            of(enrolled.customers, enrolled.advocates)
        }),
        definition: "Of the customers who converted in the range, the share who has a link as its advocate today, archived ones \
                     too, clicked or not.",
        source: "Friendbuy's share of active customers who turned advocate",
    },
    Variant {
        kpi: "participation",
        name: "customers_who_shared",
        unit: Share,
        numerator: "of them those who shared in the range",
        denominator: "customers who converted in the range",
        windowed: false,
        needs: &[Shares],
        measure: Rate(|m| of(m.customers.active_customers, m.customers.active_who_shared)),
        definition: "Of the customers who converted in the range, the share who also shared in it.",
        source: "Extole's participation rate, but of the customers themselves, so that it cannot exceed 1",
    },
    Variant {
        kpi: "participation",
        name: "sharers_per_customer",
        unit: Ratio,
        numerator: "people who shared in the range, customers or not",
        denominator: "customers who converted in the range",
        windowed: false,
        needs: &[Shares],
        measure: Rate(|m| of(m.customers.active_customers, m.customers.sharers)),
        definition: "How many people shared in the range for each customer who converted in it. Sharers need not be among those \
                     customers, so it may exceed 1.",
        source: "Extole's participation rate: unique advocates by unique customers of the same time",
    },
    Variant {
        kpi: "participation",
        name: "cohort_who_shared",
        unit: Share,
        numerator: "members who shared within the window",
        denominator: "members of the cohort whose window is over",
        windowed: true,
        needs: &[Shares],
        measure: Rate(|m| {
            of(m.customers.members, m.customers.members_who_shared).open(m.customers.open_members)
        }),
        definition: "Of the cohort's customers, the share who shared within the window after their own first conversion.",
        source: "The participation rate (at least one invite sent), over a closed cohort",
    },
    Variant {
        kpi: "share_rate",
        name: "shares_per_customer",
        unit: Ratio,
        numerator: "shares in the range",
        denominator: "customers who converted in the range",
        windowed: false,
        needs: &[Shares],
        measure: Rate(|m| of(m.customers.active_customers, m.shares.shares)),
        definition: "How many shares there were in the range, by whomever, for each customer who converted in it.",
        source: "The invites per customer of viral models, for a time instead of a cohort",
    },
    Variant {
        kpi: "share_rate",
        name: "shares_per_sharer",
        unit: Ratio,
        numerator: "shares in the range",
        denominator: "people who shared in the range",
        windowed: false,
        needs: &[Shares],
        measure: Rate(|m| of(m.customers.sharers, m.shares.shares)),
        definition: "How often those shared who did. Shares that name neither advocate nor customer count, and nobody with them.",
        source: "Invites per sharer; Friendbuy counts friends invited per advocate",
    },
];

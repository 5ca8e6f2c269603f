//! What shares and clicks lead to.

use crate::kpis::variant::Measure::Rate;
use crate::kpis::variant::Need::{Leads, Sales, Shares};
use crate::kpis::variant::Unit::{Ratio, Share};
use crate::kpis::variant::{Variant, of};

/// In the order in which they are told.
pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        kpi: "share_click_through",
        name: "clicks_per_share",
        unit: Ratio,
        numerator: "clicks on advocates' links in the range",
        denominator: "shares in the range",
        windowed: false,
        needs: &[Shares],
        measure: Rate(|m| of(m.shares.shares, m.clicks.clicks)),
        definition: "How many clicks on advocates' links there were in the range for each share in it. One share may lead to many \
                     clicks, so it may exceed 1.",
        source: "Friendbuy's clicks per share; Extole's share click-through rate",
    },
    Variant {
        kpi: "share_click_through",
        name: "visitors_per_sharer",
        unit: Ratio,
        numerator: "visitors who clicked advocates' links in the range",
        denominator: "people who shared in the range",
        windowed: false,
        needs: &[Shares],
        measure: Rate(|m| of(m.customers.sharers, m.clicks.visitors)),
        definition: "How many known visitors clicked advocates' links in the range for each person who shared in it.",
        source: "Extole's unique share-through rate: unique share clicks by unique advocates",
    },
    Variant {
        kpi: "share_click_through",
        name: "shared_links_clicked",
        unit: Share,
        numerator: "of them those that were clicked within the window",
        denominator: "links shared in the range whose window is over",
        windowed: true,
        needs: &[Shares],
        measure: Rate(|m| of(m.shares.links, m.shares.clicked_links).open(m.shares.open_links)),
        definition: "Of the links that shares of the range name, the share that was clicked within the window after the first of \
                     those shares.",
        source: "The share of invites that are clicked, counted by links",
    },
    Variant {
        kpi: "lead_conversion",
        name: "clicks_with_lead",
        unit: Share,
        numerator: "of them those that led to a lead within the window",
        denominator: "clicks on advocates' links in the range",
        windowed: true,
        needs: &[Leads],
        measure: Rate(|m| of(m.clicks.clicks, m.clicks.led_clicks).open(m.clicks.open_led_clicks)),
        definition: "Of the clicks on advocates' links in the range, the share to which a lead of somebody else than the advocate \
                     is owed, at most the window later. Open clicks are in the denominator: the rate can still rise.",
        source: "Conversion by the time of the click, as in the reports of this API",
    },
    Variant {
        kpi: "lead_conversion",
        name: "visitors_with_lead",
        unit: Share,
        numerator: "of them those whose clicks led to a lead within the window",
        denominator: "visitors who clicked advocates' links in the range",
        windowed: true,
        needs: &[Leads],
        measure: Rate(|m| {
            of(m.clicks.visitors, m.clicks.led_visitors).open(m.clicks.open_led_visitors)
        }),
        definition: "As clicks_with_lead, of visitors: one counts where any of its clicks of the range does.",
        source: "Extole's funnel by people; visit to sign-up",
    },
    Variant {
        kpi: "lead_conversion",
        name: "leads_per_click",
        unit: Ratio,
        numerator: "referred leads in the range",
        denominator: "clicks on advocates' links in the range",
        windowed: false,
        needs: &[Leads],
        measure: Rate(|m| of(m.clicks.clicks, m.conversions.referred_leads)),
        definition: "Leads of the range by clicks of the range, each by its own time: a lead may be owed to an earlier click.",
        source: "Friendbuy's sign-up rate (sign-ups by clicks); Extole's signup rate (signups by share clicks)",
    },
    Variant {
        kpi: "sale_conversion",
        name: "clicks_with_sale",
        unit: Share,
        numerator: "of them those that led to a sale within the window",
        denominator: "clicks on advocates' links in the range",
        windowed: true,
        needs: &[Sales],
        measure: Rate(|m| {
            of(m.clicks.clicks, m.clicks.sold_clicks).open(m.clicks.open_sold_clicks)
        }),
        definition: "Of the clicks on advocates' links in the range, the share to which a sale to somebody else than the advocate \
                     is owed, at most the window later. Open clicks are in the denominator: the rate can still rise.",
        source: "Conversion by the time of the click, as in the reports of this API",
    },
    Variant {
        kpi: "sale_conversion",
        name: "visitors_with_sale",
        unit: Share,
        numerator: "of them those whose clicks led to a sale within the window",
        denominator: "visitors who clicked advocates' links in the range",
        windowed: true,
        needs: &[Sales],
        measure: Rate(|m| {
            of(m.clicks.visitors, m.clicks.sold_visitors).open(m.clicks.open_sold_visitors)
        }),
        definition: "As clicks_with_sale, of visitors: one counts where any of its clicks of the range does.",
        source: "Friendbuy's conversion rate of unique friends invited, of those who clicked",
    },
    Variant {
        kpi: "sale_conversion",
        name: "sales_per_click",
        unit: Ratio,
        numerator: "referred sales in the range",
        denominator: "clicks on advocates' links in the range",
        windowed: false,
        needs: &[Sales],
        measure: Rate(|m| of(m.clicks.clicks, m.conversions.referred_sales)),
        definition: "Sales of the range by clicks of the range, each by its own time: a sale may be owed to an earlier click, and \
                     several to one.",
        source: "Extole's conversion rate: conversions by share clicks",
    },
];

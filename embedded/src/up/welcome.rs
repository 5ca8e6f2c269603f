//! What `whence up` prints: where things are, and what to do first.

use std::fmt::Write;

use whence_core::config::Config;

use super::first::First;

/// Where the parts answer.
pub(super) struct Addresses {
    pub(super) redirector: String,
    pub(super) ingest: String,
    pub(super) analytics: String,
    pub(super) clickhouse: String,
}

/// The page.
pub(super) fn page(config: &Config, at: &Addresses, first: &First) -> String {
    let key = first.key_file.display();
    let port = |url: &str| url.rsplit(':').next().unwrap_or_default().to_owned();
    let short = format!("http://{}:{}", first.domain, port(&at.redirector));
    let mut page = String::new();
    let greeting = if first.is_new {
        "Whence is up."
    } else {
        "Whence is up again, with all its data."
    };
    let _ = write!(
        page,
        r#"
{greeting}

  short links   {short}/        (redirector)
  conversions   {ingest}    (ingest)
  dashboard     {analytics}/dashboard    (sign in with the API key)
  API, reports  {analytics}    (analytics; description at /api/v1/openapi.json)
  ClickHouse    {clickhouse}    (user {user}, password in {data}/secrets.toml)
  data          {data}
  API key       in {key}, for the workspace "{workspace}"

Try it, in another terminal:

  KEY=$(cat {key})

  # make a link
  curl -s {analytics}/api/v1/links -H "Authorization: Bearer $KEY" \
       -H 'Content-Type: application/json' \
       -d '{{"slug": "hello", "destination": "https://example.com/", "channel": "WhatsApp"}}'

  # its QR code, for paper: any browser shows it
  curl -s {short}/hello.qr > hello.svg

  # click it as a browser does (open it in one, or say what one says): the destination carries the click id, wcid
  curl -si --compressed {short}/hello -A 'Mozilla/5.0 Firefox/145.0' \
       -H 'Accept: text/html' -H 'Accept-Language: en' | grep -i location

  # somebody buys: send the click id back
  curl -s {ingest}/v1/conversions -H "Authorization: Bearer $KEY" \
       -H 'Content-Type: application/json' \
       -d '{{"event_id": "order-1", "kind": "sale", "click_id": "THE WCID", "amount": 1999, "currency": "EUR"}}'

  # see both
  curl -s "{analytics}/api/v1/reports/breakdown?by=channel" -H "Authorization: Bearer $KEY"

Ctrl-C stops everything; nothing is lost.
"#,
        ingest = at.ingest,
        analytics = at.analytics,
        clickhouse = at.clickhouse,
        user = config.clickhouse.user,
        data = config.data_dir().display(),
        workspace = first.workspace,
    );
    page
}

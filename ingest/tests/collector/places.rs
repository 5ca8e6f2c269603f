//! Places, networks and devices of clicks, by files that are replaced while the collector runs.

use std::path::Path;

use serde_json::json;
use whence_core::click::Click;
use whence_core::test_support::{Engine, place_database};

use crate::support::{Collector, Lane, click, number, wait_for};

const PHONE: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Mobile Safari/537.36";
const HINTS: &str = "\"Chromium\";v=\"128\", \"Not)A;Brand\";v=\"8\", \"Brave\";v=\"128\"\n?1\n\"Android\"\n\"14.0.0\"\n\"Pixel 8\"";

/// Writes both databases, as of networks that belong to `owner`.
fn write(places: &Path, networks: &Path, owner: &str) {
    let home = || "192.0.2.0/24".parse().unwrap();
    let office = || "2001:db8::/32".parse().unwrap();
    let munich = json!({
        "city": {"names": {"en": "Munich"}},
        "country": {"iso_code": "DE"},
        "subdivisions": [{"iso_code": "BY"}],
    });
    let vienna = json!({"country_code": "AT", "city": "Vienna"});
    place_database(places, &[(home(), munich), (office(), vienna)]);
    let system = |number: u32| json!({"autonomous_system_number": number, "autonomous_system_organization": owner});
    place_database(
        networks,
        &[(home(), system(64_496)), (office(), system(64_497))],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_has_the_place_and_the_network_of_the_files_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let [places, networks] = ["places", "networks"].map(|name| folder.path().join(name));
    write(&places, &networks, "Old AG");
    let engine = Engine::migrated().await;
    let settings = [
        format!("databases.places={}", places.display()),
        format!("databases.networks={}", networks.display()),
    ];
    let collector =
        Collector::start_with(&engine.config(), &settings.each_ref().map(|s| &**s)).await;
    let client = engine.client();
    let mut lane = Lane::new();
    for address in [
        "192.0.2.7",
        "2001:db8::7",
        "2002:c000:207::1",
        "192.168.1.1",
        "8.8.8.8",
    ] {
        lane.append(&Click {
            address: address.parse().unwrap(),
            user_agent: PHONE.into(),
            hints: HINTS.into(),
            ..click()
        });
    }
    let got = collector.block(lane.seal().wire().clone()).await;
    assert_eq!(got.status, 200, "{got:?}");
    let rows = "SELECT toString(tuple(country, region, city, asn, network, address_prefix)) FROM clicks ORDER BY seq";
    let rows = client.query(rows).fetch_all::<String>().await.unwrap();
    let expected = [
        "('DE','DE-BY','Munich',64496,'Old AG','::ffff:192.0.2.0')",
        "('AT','','Vienna',64497,'Old AG','2001:db8::')",
        "('DE','DE-BY','Munich',64496,'Old AG','::ffff:192.0.2.0')",
        "('','','',0,'','::ffff:192.168.1.0')",
        "('','','',0,'','::ffff:8.8.8.0')",
    ];
    assert_eq!(rows, expected);
    let device = "SELECT DISTINCT toString(tuple(browser, browser_version, os, os_version, device, model)) FROM clicks";
    let device = client.query(device).fetch_one::<String>().await.unwrap();
    assert_eq!(device, "('Brave','128','Android','14','mobile','Pixel 8')");

    // A file that is no good stays out; its neighbour is read all the same.
    write(&places, &networks, "New AG");
    std::fs::write(&places, "nonsense").unwrap();
    collector.hang_up();
    let mut sent = 0;
    let new = "SELECT count() FROM clicks WHERE network = 'New AG'";
    while number(&client, new).await == 0 {
        sent += 1;
        assert!(sent < 300, "the new file was not read");
        lane.append(&Click {
            address: "192.0.2.7".parse().unwrap(),
            ..click()
        });
        let got = collector.block(lane.seal().wire().clone()).await;
        assert_eq!(got.status, 200, "{got:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let same = "SELECT count() FROM clicks WHERE network = 'New AG' AND city = 'Munich'";
    wait_for(&client, same, number(&client, new).await).await;
}

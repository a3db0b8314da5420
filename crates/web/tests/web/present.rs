//! What is known right now, record lists, signs of life: one snapshot for each.

use expect_test::{Expect, expect, expect_file};
use ohmstead_model::{Metric, Moment, Observed, Value};
use proptest::prelude::*;

use crate::client::get;
use crate::fake::{House, NOW, ago, id};

async fn check(path: &str, answer: Expect) {
    answer.assert_eq(&get(&House::new(), path).await.shown());
}

#[tokio::test]
async fn site() {
    check(
        "/api/v1/site",
        expect![[r#"
        200 OK
        {
          "name": "Home",
          "timezone": "Europe/Paris",
          "languages": [
            "fr",
            "en"
          ],
          "version": "1.2.3",
          "read_only": true,
          "started_at": "2026-11-21T07:43:20.000Z",
          "now": "2026-11-21T08:00:00.000Z"
        }
    "#]],
    )
    .await;
}

#[tokio::test]
async fn device() {
    let answer = get(&House::new(), "/api/v1/devices/fase_a").await;
    expect_file!["device.txt"].assert_eq(&answer.shown());
}

#[tokio::test]
async fn an_offline_device_keeps_the_age_of_its_last_values_but_not_the_values() {
    check(
        "/api/v1/devices/fase_b",
        expect![[r#"
            200 OK
            {
              "device": "fase_b",
              "driver": "marstek",
              "name": "Fase B",
              "model": null,
              "firmware": null,
              "serial": null,
              "address": "192.0.2.8:30000",
              "phase": null,
              "online": false,
              "since": "2026-11-21T07:58:20.000Z",
              "roles": [
                "battery",
                "inverter",
                "grid_meter"
              ],
              "notices": [],
              "modes": [
                "auto",
                "idle",
                "charge",
                "discharge",
                "native:ai"
              ],
              "settings": [],
              "evidence": [],
              "control": null,
              "last_success": "2026-11-21T07:57:50.000Z",
              "values": {
                "battery_soc": {
                  "value": null,
                  "unit": "%",
                  "at": "2026-11-21T07:57:50.000Z",
                  "age_ms": 130000,
                  "why": "the device does not answer"
                },
                "battery_power": {
                  "value": null,
                  "unit": "W",
                  "at": "2026-11-21T07:57:50.000Z",
                  "age_ms": 130000,
                  "why": "the device does not answer"
                },
                "battery_mode": {
                  "value": null,
                  "unit": null,
                  "at": null,
                  "age_ms": null,
                  "why": "the device does not answer"
                }
              }
            }
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_device_that_was_not_asked_yet_is_neither_online_nor_offline() {
    check(
        "/api/v1/devices/garage",
        expect![[r#"
            200 OK
            {
              "device": "garage",
              "driver": "marstek",
              "name": "Garage",
              "model": null,
              "firmware": null,
              "serial": null,
              "address": "192.0.2.9:30000",
              "phase": null,
              "online": null,
              "since": null,
              "roles": [
                "battery",
                "inverter",
                "grid_meter"
              ],
              "notices": [],
              "modes": [
                "auto",
                "idle",
                "charge",
                "discharge",
                "native:ai"
              ],
              "settings": [],
              "evidence": [],
              "control": null,
              "last_success": null,
              "values": {
                "battery_soc": {
                  "value": null,
                  "unit": "%",
                  "at": null,
                  "age_ms": null,
                  "why": "not read yet"
                },
                "battery_power": {
                  "value": null,
                  "unit": "W",
                  "at": null,
                  "age_ms": null,
                  "why": "not read yet"
                },
                "battery_mode": {
                  "value": null,
                  "unit": null,
                  "at": null,
                  "age_ms": null,
                  "why": "not read yet"
                }
              }
            }
        "#]],
    )
    .await;
}

#[tokio::test]
async fn an_unknown_device_is_answered_with_the_nearest_name() {
    check(
        "/api/v1/devices/fase_aa",
        expect![[r#"
        404 Not Found
        {
          "error": {
            "code": "unknown_device",
            "message": "no device is named \"fase_aa\"",
            "hint": "did you mean \"fase_a\"?"
          }
        }
    "#]],
    )
    .await;
}

#[tokio::test]
async fn devices_come_in_the_order_of_the_configuration() {
    let answer = get(&House::new(), "/api/v1/devices").await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let names: Vec<&str> = json.as_array().unwrap().iter().map(|d| d["device"].as_str().unwrap()).collect();
    assert_eq!(names, ["garage", "fase_a", "fase_b"]);
}

#[tokio::test]
async fn a_house_with_a_silent_member_says_which() {
    check(
        "/api/v1/house",
        expect![[r#"
            200 OK
            {
              "values": {
                "grid_power": {
                  "value": 1234.0,
                  "unit": "W",
                  "at": "2026-11-21T07:59:59.188Z",
                  "age_ms": 812
                },
                "battery_power": {
                  "value": null,
                  "unit": "W",
                  "at": null,
                  "age_ms": null,
                  "why": "missing: battery_power of fase_b (the device does not answer)"
                },
                "pv_power": {
                  "value": null,
                  "unit": "W",
                  "at": null,
                  "age_ms": null,
                  "why": "missing: no device reports pv_power"
                },
                "load_power": {
                  "value": null,
                  "unit": "W",
                  "at": null,
                  "age_ms": null,
                  "why": "missing: battery_power of fase_b (the device does not answer)"
                },
                "battery_soc": {
                  "value": null,
                  "unit": "%",
                  "at": null,
                  "age_ms": null,
                  "why": "missing: battery_soc of fase_b (the device does not answer)"
                }
              }
            }
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_house_whose_members_all_answer_is_as_old_as_the_oldest() {
    let house = House::new();
    {
        let mut snapshot = house.snapshot.lock().unwrap();
        for (name, age) in [("fase_b", 20), ("garage", 7)] {
            let device = snapshot.device_mut(name).unwrap();
            for (metric, value) in [(Metric::BatterySoc, 60.0), (Metric::BatteryPower, 100.0)] {
                device
                    .values
                    .insert(metric, Observed { observation: Ok(Value::Number(value)), at: ago(age) });
            }
        }
    }
    expect![[r#"
        200 OK
        {
          "values": {
            "grid_power": {
              "value": 1234.0,
              "unit": "W",
              "at": "2026-11-21T07:59:59.188Z",
              "age_ms": 812
            },
            "battery_power": {
              "value": -600.0,
              "unit": "W",
              "at": "2026-11-21T07:59:40.000Z",
              "age_ms": 20000
            },
            "pv_power": {
              "value": null,
              "unit": "W",
              "at": null,
              "age_ms": null,
              "why": "missing: no device reports pv_power"
            },
            "load_power": {
              "value": 634.0,
              "unit": "W",
              "at": "2026-11-21T07:59:40.000Z",
              "age_ms": 20000
            },
            "battery_soc": {
              "value": 40.0,
              "unit": "%",
              "at": "2026-11-21T07:59:40.000Z",
              "age_ms": 20000
            }
          }
        }
    "#]]
    .assert_eq(&get(&house, "/api/v1/house").await.shown());
}

#[tokio::test]
async fn metrics() {
    let answer = get(&House::new(), "/api/v1/metrics").await;
    let all: Vec<serde_json::Value> = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(all.len(), ohmstead_model::catalogue::CORE.len());
    let shown =
        |id: &str| serde_json::to_string(all.iter().find(|metric| metric["id"] == id).unwrap()).unwrap();
    expect![[r#"{"id":"battery_power","label":{"en":"Battery power","fr":"Puissance batterie","nl":"Batterijvermogen","et":"Aku võimsus","de":"Batterieleistung"},"unit":"W","decimals":0,"kind":"gauge","sign":"positive while it feeds the house (import, discharge, production)","states":null}"#]].assert_eq(&shown("battery_power"));
    expect![[r#"{"id":"grid_meter_connected","label":{"en":"Meter connected","fr":"Compteur connecté","nl":"Meter verbonden","et":"Arvesti ühendatud","de":"Zähler verbunden"},"unit":null,"decimals":0,"kind":"state","sign":null,"states":[{"key":"no","label":{"en":"No","fr":"Non","nl":"Nee","et":"Ei","de":"Nein"}},{"key":"yes","label":{"en":"Yes","fr":"Oui","nl":"Ja","et":"Jah","de":"Ja"}}]}"#]].assert_eq(&shown("grid_meter_connected"));
}

#[tokio::test]
async fn ledger() {
    check(
        "/api/v1/ledger",
        expect![[r#"
        200 OK
        [
          {
            "id": 7,
            "at": "2026-11-21T07:59:55.000Z",
            "device": "fase_a",
            "asked_by": "cli",
            "request": "idle",
            "old": "Auto",
            "new": "ES.SetMode {\"mode\":\"Manual\"}",
            "reply": null,
            "read_back": null,
            "effect": null,
            "outcome": "dry_run",
            "reason": "the installation is read-only"
          }
        ]
    "#]],
    )
    .await;
}

#[tokio::test]
async fn events() {
    check(
        "/api/v1/events?limit=5",
        expect![[r#"
        200 OK
        [
          {
            "id": 3,
            "at": "2026-11-21T07:58:20.000Z",
            "severity": "alarm",
            "device": "fase_b",
            "code": "device_offline",
            "text": "Fase B does not answer"
          }
        ]
    "#]],
    )
    .await;
}

#[tokio::test]
async fn batteries_in_the_words_of_marstek_automation() {
    check(
        "/api/v1/batteries/status",
        expect![[r#"
        200 OK
        {
          "total": 3,
          "online": 1,
          "batteries": [
            {
              "id": 1,
              "name": "Garage",
              "ip": "192.0.2.9",
              "port": 30000,
              "online": null,
              "soc": null,
              "mode": null,
              "bat_power": null,
              "ongrid_power": null,
              "pv_power": null,
              "bat_temp": null,
              "timestamp": null
            },
            {
              "id": 2,
              "name": "Fase A",
              "ip": "192.0.2.7",
              "port": 30000,
              "online": true,
              "soc": 0.0,
              "mode": "Manual",
              "bat_power": 800.0,
              "ongrid_power": -820.0,
              "pv_power": null,
              "bat_temp": 21.6,
              "timestamp": "2026-11-21T07:59:59.000Z"
            },
            {
              "id": 3,
              "name": "Fase B",
              "ip": "192.0.2.8",
              "port": 30000,
              "online": false,
              "soc": null,
              "mode": null,
              "bat_power": null,
              "ongrid_power": null,
              "pv_power": null,
              "bat_temp": null,
              "timestamp": "2026-11-21T07:57:50.000Z"
            }
          ]
        }
    "#]],
    )
    .await;
}

#[tokio::test]
async fn signs_of_life() {
    check(
        "/health",
        expect![[r#"
        200 OK
        {
          "status": "healthy",
          "app": "ohmstead",
          "version": "1.2.3"
        }
    "#]],
    )
    .await;
    check(
        "/healthz",
        expect![[r#"
        200 OK
        ok

    "#]],
    )
    .await;
}

#[tokio::test]
async fn ready_when_the_store_is_open_and_every_device_was_asked() {
    let house = House::new();
    *house.not_ready.lock().unwrap() = vec!["the store is not open: disk full".to_owned()];
    expect![[r#"
        503 Service Unavailable
        {
          "ready": false,
          "reasons": [
            "the store is not open: disk full",
            "garage has not been asked yet"
          ]
        }
    "#]]
    .assert_eq(&get(&house, "/readyz").await.shown());
    house.not_ready.lock().unwrap().clear();
    house.snapshot.lock().unwrap().device_mut("garage").unwrap().online = ohmstead_model::Online::No(NOW);
    expect![[r#"
        200 OK
        {
          "ready": true,
          "reasons": []
        }
    "#]]
    .assert_eq(&get(&house, "/readyz").await.shown());
}

/// Unknown is never 0: as values age, each goes from its number to `null`, and out of the figures.
#[tokio::test]
async fn unknown_is_never_zero() {
    let house = House::new();
    *house.now.lock().unwrap() = Moment { mono: NOW.mono + std::time::Duration::from_secs(31), ..NOW };
    let device = get(&house, "/api/v1/devices/fase_a").await;
    let json: serde_json::Value = serde_json::from_str(&device.body).unwrap();
    let soc = &json["values"]["battery_soc"];
    assert_eq!(soc["value"], serde_json::Value::Null);
    assert_eq!(soc["why"], "the last value is too old");
    assert_eq!(soc["age_ms"], 31_812);
    let figures = get(&house, "/metrics").await.body;
    assert!(!figures.contains("battery_soc_percent"), "{figures}");
    assert!(
        figures.contains("ohmstead_battery_temperature_celsius"),
        "minutes old values live on: {figures}"
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(Value::Number),
        prop::num::f64::ANY.prop_map(Value::Number),
        any::<String>().prop_map(Value::text),
    ]
}

proptest! {
    /// Whatever a device tells, at whatever time: the JSON has a finite number, a text, or `null` with a reason.
    #[test]
    fn a_value_is_finite_or_explained(
        values in prop::collection::vec((0..ohmstead_model::catalogue::CORE.len(), any_value(), 0_u64..200_000, any::<i64>()), 0..20)
    ) {
        let mut device = ohmstead_model::DeviceState::new(std::sync::Arc::new(
            ohmstead_model::DeviceInfo::new(id("x"), "test", "nowhere"),
        ));
        for (metric, value, age_ms, unix) in values {
            let mono = NOW.mono.saturating_sub(std::time::Duration::from_millis(age_ms));
            let at = Moment { mono, unix: ohmstead_model::UnixMillis(unix) };
            device.values.insert(ohmstead_model::catalogue::CORE[metric], Observed { observation: Ok(value), at });
        }
        let json = ohmstead_web::device_json(&device, NOW);
        for (name, value) in json["values"].as_object().unwrap() {
            let known = value["value"].is_number() || value["value"].is_string();
            prop_assert!(known != value["why"].is_string(), "{name}: {value}");
        }
        let text = serde_json::to_string(&json).unwrap();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
    }
}

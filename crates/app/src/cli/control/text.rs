//! What `control` prints for people.

use ohmstead_model::Part;
use serde_json::Value;

use crate::cli::table::table;

pub(super) fn text(answer: &Value) -> String {
    let mut blocks = Vec::new();
    if answer["switches"].is_object() {
        blocks.push(switches_text(&answer["switches"]));
    }
    let list = |key: &str| answer[key].as_array().filter(|list| !list.is_empty());
    blocks.extend(list("limits").map(|limits| limits_text(limits)));
    blocks.extend(list("schedule").map(|windows| windows_text(windows)));
    blocks.extend(list("devices").map(|devices| devices_text(devices)));
    if answer["running"] == false {
        blocks.push("no daemon runs: nothing is wanted of any device now".to_owned());
    }
    blocks.join("\n\n")
}

fn switches_text(switches: &Value) -> String {
    let parts = Part::ALL.map(|part| {
        let word = match switches[part.key()].as_bool() {
            Some(true) => "on",
            Some(false) => "off",
            None => "not configured",
        };
        vec![part.key().to_owned(), word.to_owned()]
    });
    table(&parts, &[])
}

fn limits_text(limits: &[Value]) -> String {
    let rows = limits.iter().map(|limit| {
        let watts = |key: &str| format!("{} W", limit[key].as_f64().unwrap_or_default());
        let is_lowered = limit["max_w"].as_f64() < limit["file_max_w"].as_f64();
        let lowered = if is_lowered { "lowered" } else { "" };
        vec![text_of(limit, "name"), watts("max_w"), watts("file_max_w"), lowered.to_owned()]
    });
    with_head(["limit", "counts", "configured", ""], rows)
}

fn windows_text(windows: &[Value]) -> String {
    let rows = windows.iter().map(|window| {
        let time = |key: &str| text_of(window, key).chars().take(5).collect::<String>();
        let devices: Vec<_> =
            window["devices"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let devices = if devices.is_empty() { "all".to_owned() } else { devices.join(", ") };
        vec![
            window["id"].to_string(),
            text_of(window, "name"),
            format!("{}-{}", time("start_time"), time("end_time")),
            days(window),
            text_of(window, "mode"),
            devices,
            state(window).to_owned(),
            from(window).to_owned(),
        ]
    });
    with_head(["id", "window", "time", "days", "mode", "devices", "now", "from"], rows)
}

fn state(window: &Value) -> &'static str {
    let is = |key: &str| window[key] == true;
    match (is("is_on"), is("is_active"), is("is_open")) {
        (false, ..) => "off",
        _ if window["source"] == "place_gone" => "does not count",
        (_, false, _) => "schedule off",
        (.., true) => "open",
        _ => "closed",
    }
}

fn from(window: &Value) -> &'static str {
    match window["source"].as_str() {
        Some("file") => "file",
        Some("in_place_of_file") => "run time, in place of the file's",
        Some("place_gone") => "run time, for a place that the file no longer has",
        _ => "run time",
    }
}

fn days(window: &Value) -> String {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mask = window["week_days"].as_u64().unwrap_or_default();
    let named = match mask {
        127 => return "all".to_owned(),
        0b1_1111 => "weekdays".to_owned(),
        mask => {
            let named = NAMES.iter().zip(0..).filter(|(_, bit)| mask & (1 << bit) != 0);
            named.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
        }
    };
    let holidays = if window["holidays"] == true { "holidays" } else { "" };
    [named.as_str(), holidays].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn devices_text(devices: &[Value]) -> String {
    let rows = devices.iter().map(|device| {
        let control = &device["control"];
        let word = |key: &str| control[key].as_str().unwrap_or("-").to_owned();
        let words = ["wants", "by", "phase", "ends", "reason"].map(word);
        std::iter::once(text_of(device, "device")).chain(words).collect()
    });
    with_head(["device", "wants", "by", "phase", "until", "reason"], rows)
}

fn text_of(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}

fn with_head<const N: usize>(head: [&str; N], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = head.map(str::to_owned).to_vec();
    table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), &[])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn control_for_people() {
        let window = |id: u32, name: &str, mask: u8, mode: &str, source: &str, now: [bool; 3]| {
            json!({
                "id": id, "name": name, "start_time": "22:00:00", "end_time": "06:00:00", "week_days": mask, "mode": mode,
                "devices": if id == 1001 { vec!["fase_a"] } else { vec![] }, "holidays": mask == 96, "source": source,
                "is_on": now[0], "is_active": now[1], "is_open": now[2],
            })
        };
        let answer = json!({
            "switches": { "limits": true, "schedule": true, "rotation": null },
            "limits": [
                { "name": "multi_output", "max_w": 20000.0, "file_max_w": 30000.0, "lowest_w": 1000.0, "asked_w": 20000.0 },
                { "name": "feed_in", "max_w": 5000.0, "file_max_w": 5000.0, "lowest_w": 0.0, "asked_w": 8000.0 },
            ],
            "schedule": [
                window(1001, "party", 127, "charge 800 W", "run_time", [true, true, true]),
                window(1, "day", 31, "auto", "file", [false, false, false]),
                window(1002, "night", 96, "idle", "in_place_of_file", [true, true, false]),
                window(1003, "late", 127, "hold", "place_gone", [true, false, false]),
            ],
            "devices": [
                { "device": "fase_a", "control": {
                    "wants": "charge 800 W", "by": "override", "phase": "confirmed", "code": "asked",
                    "reason": "asked by hand (cli)", "ends": "2026-11-21T08:42:00.000Z",
                } },
                { "device": "fase_b", "control": null },
            ],
        });
        expect![[r#"
            limits    on
            plan      not configured
            tempo     not configured
            schedule  on
            rotation  not configured

            limit         counts   configured
            multi_output  20000 W  30000 W     lowered
            feed_in       5000 W   5000 W

            id    window  time         days              mode          devices  now             from
            1001  party   22:00-06:00  all               charge 800 W  fase_a   open            run time
            1     day     22:00-06:00  weekdays          auto          all      off             file
            1002  night   22:00-06:00  sat sun holidays  idle          all      closed          run time, in place of the file's
            1003  late    22:00-06:00  all               hold          all      does not count  run time, for a place that the file no longer has

            device  wants         by        phase      until                     reason
            fase_a  charge 800 W  override  confirmed  2026-11-21T08:42:00.000Z  asked by hand (cli)
            fase_b  -             -         -          -                         -"#]].assert_eq(&text(&answer));
    }

    #[test]
    fn without_a_daemon_nothing_is_wanted() {
        let answer =
            json!({ "switches": { "limits": true, "schedule": null, "rotation": null }, "running": false });
        assert!(text(&answer).ends_with("no daemon runs: nothing is wanted of any device now"));
    }
}

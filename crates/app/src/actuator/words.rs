//! What a device does, in words for the ledger.

use ohmstead_drivers::ModeNow;
use ohmstead_model::{BatteryMode, DeviceId, LedgerEntry, Outcome, Request, UnixMillis, Wish};
use ohmstead_units::{BatteryPower, Timespan, Watts};

use super::Original;

/// `charging 800 W`, `discharging 120 W`, `0 W`: no sign to be misread.
pub(super) fn power(power: BatteryPower) -> String {
    let watts = power.supplied().0.round();
    if watts < 0.0 {
        format!("charging {}", Watts(-watts))
    } else if watts > 0.0 {
        format!("discharging {}", Watts(watts))
    } else {
        "0 W".to_owned()
    }
}

/// `Passive, charging 800 W, 45 %`: the mode in the device's own words, then what is known.
pub(super) fn mode(now: &ModeNow) -> String {
    let soc = now.soc.map(|soc| format!("{soc:.0} %"));
    let words = [Some(now.native.clone()), now.power.map(power), soc];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `charge 800 W for 1 h`.
pub(crate) fn request(request: &Request) -> String {
    match request.lease {
        Some(lease) => format!("{} for {}", request.wish, Timespan(lease)),
        None => request.wish.to_string(),
    }
}

/// `09:01:12 UTC`.
pub(super) fn time(at: UnixMillis) -> String {
    let seconds = at.0.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// How a device was, as it is kept: `{"native": "Auto", "apart": {"native:keep_charged": "optimized"}}`.
pub(super) fn originals(text: &str) -> Vec<Original> {
    let Ok(kept) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let original =
        |wish: Wish, native: &serde_json::Value| Some(Original { wish, native: native.as_str()?.to_owned() });
    let apart = kept["apart"].as_object().into_iter().flatten();
    let apart = apart.filter_map(|(wish, native)| original(wish.parse().ok()?, native));
    apart.chain(original(BatteryMode::Auto.into(), &kept["native"])).collect()
}

/// The same without what its mode was: that is somebody else's by now.
pub(super) fn without_mode(text: &str) -> String {
    let Ok(mut kept) = serde_json::from_str::<serde_json::Value>(text) else { return String::new() };
    kept["native"] = serde_json::Value::Null;
    if kept["apart"].is_object() { kept.to_string() } else { String::new() }
}

/// The same with one more, where it is not known yet; `None` where it is. `apart`: whether it lives beside the modes.
pub(super) fn with_original(text: &str, original: &Original, apart: bool, at: UnixMillis) -> Option<String> {
    let mut kept = serde_json::from_str(text)
        .unwrap_or_else(|_| serde_json::json!({ "native": null, "at_unix_ms": at.0 }));
    if !kept[if apart { "apart" } else { "native" }].is_null() {
        return None;
    }
    if apart {
        kept["apart"] = serde_json::json!({ original.wish.to_string(): original.native });
    } else {
        kept["native"] = original.native.clone().into();
    }
    Some(kept.to_string())
}

/// An attempt as it is noted before its write.
pub(super) fn note(entry: &LedgerEntry) -> String {
    let LedgerEntry { at, asked_by, request, old, new, .. } = entry;
    serde_json::json!({ "at": at.0, "asked_by": asked_by, "request": request, "old": old, "new": new })
        .to_string()
}

/// The ledger row of an attempt of which only the note is left.
pub(super) fn interrupted(note: &str, device: &DeviceId) -> Option<LedgerEntry> {
    let note: serde_json::Value = serde_json::from_str(note).ok()?;
    let text = |key: &str| note[key].as_str().map(str::to_owned);
    Some(LedgerEntry {
        id: 0,
        at: UnixMillis(note["at"].as_i64()?),
        device: device.clone(),
        asked_by: text("asked_by")?,
        request: text("request")?,
        old: text("old"),
        new: text("new"),
        reply: None,
        read_back: None,
        effect: None,
        outcome: Outcome::Failed,
        reason: "the program ended in the middle of it; what was written is not known".to_owned(),
    })
}

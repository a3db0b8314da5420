//! What a device does, in words for the ledger.

use ohmstead_drivers::ModeNow;
use ohmstead_model::{DeviceId, LedgerEntry, Outcome, Request, UnixMillis};
use ohmstead_units::{BatteryPower, Timespan, Watts};

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

//! What else can hang at the same VID:PID: a Megatec UPS, to which `S` means shutdown and `T` a battery test, and a solar
//! charge controller.

use super::{
    reply::{Effect, Reply, View},
    switches::Stranger,
};

/// A UPS knows no check: all that can be read before the first other byte.
pub(crate) fn text(frame: &[u8]) -> String {
    frame.iter().take_while(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect()
}

/// Megatec's questions.
pub(crate) fn ups(text: &str, raw: &[u8], view: &View<'_>) -> Reply {
    let line = |text: String| Reply::Line(text.into_bytes());
    let (ac_v, battery_v) = (view.plate.ac_v, view.plate.battery_v);
    let (hz, level) = (view.reading.grid_hz, view.reading.grid_v);
    let out_v = if level > 0.0 { level } else { ac_v };
    match text {
        "Q1" | "QS" => {
            let failed = u8::from(level <= 0.0);
            line(format!("({level:05.1} {ac_v:05.1} {out_v:05.1} 017 {hz:04.1} 27.3 25.0 {failed}0001001"))
        }
        "F" => {
            line(format!("#{ac_v:05.1} {:03.0} {battery_v:05.2} {:04.1}", view.plate.rated_va / ac_v, 50.0))
        }
        "I" => line(format!("#{:<15} {:<10} {:<10}", "SIMULATED", "UPS-1000", view.plate.firmware)),
        _ => unknown(raw, view.switches.stranger),
    }
}

/// What a UPS says to what it does not know.
pub(crate) fn unknown(raw: &[u8], stranger: Stranger) -> Reply {
    Reply::Line(match stranger {
        Stranger::Echo => raw.to_vec(),
        Stranger::Nak => b"(NAK".to_vec(),
    })
}

/// What a UPS does when it hears `S..`, `T..`, `C` or a lone `Q` (the buzzer).
pub(crate) fn harm(text: &str) -> Option<Effect> {
    (text == "Q" || text.starts_with(['S', 'T', 'C'])).then_some(Effect::Nothing)
}

/// A charge controller speaks frames with a CRC, but of a family of its own.
pub(crate) fn charger(text: &str, view: &View<'_>) -> Reply {
    match text {
        "QPI" => Reply::Data("PI34".to_owned()),
        "QID" => Reply::Data(view.plate.serial.clone()),
        "QVFW" => Reply::Data(format!("VERFW:{}", view.plate.firmware)),
        _ => Reply::Nak,
    }
}

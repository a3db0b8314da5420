//! From registers to values.
//!
//! The server has no word for "no value": it sends 0. A 0 is believed where a real one is common (power, current, a
//! state whose list has a 0) and a neighbour that is not 0 shows that the value is there: a voltage of the service, of the
//! phase or of the input for panels, the charge voltage beside a BMS's limits. Elsewhere it is unknown: a counter of
//! energy, an override, what a BMS allows. A state of charge of 0 is unknown too: no battery in use has it for long, and a
//! system without a battery monitor has it always.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frame::COUNT_MAX;
use crate::victron::catalogue::{Register, RegisterType, Row, catalogue};
use crate::victron::tree::Told;
use crate::victron::value::{Scalar, whole};

/// A path with its register.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) row: &'static Row,
    pub(super) register: Register,
}

/// Registers that can be read together.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) first: u16,
    pub(super) count: u16,
    pub(super) points: Vec<Point>,
}

/// The blocks of a class: without gaps, for the server refuses a range with one.
pub(super) fn blocks(class: &str) -> Vec<Block> {
    let of_class = catalogue().rows().iter().filter(|row| row.class == class);
    let points =
        of_class.flat_map(|row| row.registers.iter().map(move |register| Point { row, register: *register }));
    let by_number: BTreeMap<u16, Point> = points.map(|point| (point.register.number, point)).collect();
    let mut blocks: Vec<Block> = Vec::new();
    for (number, point) in by_number {
        let words = point.register.kind.words();
        let joins =
            |block: &&mut Block| block.first + block.count == number && block.count + words <= COUNT_MAX;
        if let Some(block) = blocks.last_mut().filter(joins) {
            block.count += words;
            block.points.push(point);
        } else {
            blocks.push(Block { first: number, count: words, points: vec![point] });
        }
    }
    blocks
}

impl Block {
    /// Two halves; `None` for a block that cannot be cut.
    pub(super) fn halves(&self) -> Option<[Self; 2]> {
        let middle = self.points.len() / 2;
        if middle == 0 {
            return None;
        }
        let (left, right) = self.points.split_at(middle);
        Some([left, right].map(|points| Self {
            first: points.first().map_or(0, |point| point.register.number),
            count: points.iter().map(|point| point.register.kind.words()).sum(),
            points: points.to_vec(),
        }))
    }

    /// Puts the values of this block's registers in; a wider register of a path wins over a narrow one.
    pub(super) fn decode(&self, registers: &[u16], into: &mut Values) {
        for point in &self.points {
            let start = usize::from(point.register.number.wrapping_sub(self.first));
            let words = usize::from(point.register.kind.words());
            let Some(raw) = registers.get(start..start + words) else { continue };
            let is_best =
                point.row.registers.first().is_some_and(|best| best.number == point.register.number);
            if is_best || !into.contains_key(point.row.path) {
                into.insert(point.row.path, value(point, raw));
            }
        }
    }
}

/// Values by path.
pub(super) type Values = BTreeMap<&'static str, Option<Scalar>>;

fn value(point: &Point, raw: &[u16]) -> Option<Scalar> {
    let number = match (point.register.kind, raw) {
        (RegisterType::Text(_), words) => return text(words),
        (RegisterType::U16, [word]) => Some(i64::from(*word)).filter(|word| *word != 0xffff),
        (RegisterType::I16, [word]) => Some(i64::from(word.cast_signed())).filter(|word| *word != 0x7fff),
        (RegisterType::U32, [high, low]) => {
            Some(i64::from(*high) << 16 | i64::from(*low)).filter(|word| *word != 0xffff_ffff)
        }
        (RegisterType::I32, [high, low]) => {
            let word = (u32::from(*high) << 16 | u32::from(*low)).cast_signed();
            Some(i64::from(word)).filter(|word| *word != 0x7fff_ffff)
        }
        _ => None,
    }?;
    let scaled = number as f64 / point.register.scale;
    // A register in hundreds of watts has no decimals, one in tenths of volts has.
    if point.register.scale.abs() > 1.0 {
        Scalar::float(scaled)
    } else {
        whole(scaled.round()).map(Scalar::Int)
    }
}

fn text(words: &[u16]) -> Option<Scalar> {
    let bytes: Vec<u8> =
        words.iter().flat_map(|word| word.to_be_bytes()).take_while(|byte| *byte != 0).collect();
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim();
    (!text.is_empty() && text.chars().all(|c| !c.is_control())).then(|| Scalar::text(text))
}

/// The values of a service with every 0 that says nothing taken out.
pub(super) fn believable(class: &str, values: &Values) -> Vec<Told> {
    let is_zero =
        |path: &str| values.get(path).and_then(Option::as_ref).and_then(Scalar::number) == Some(0.0);
    let is_alive = is_alive(values);
    // Settings always have a value.
    let is_believed = |path: &str| {
        !is_zero(path) || class == "settings" || (is_alive && has_real_zeros(class, path, values))
    };
    values
        .iter()
        // Whoever has one input for panels has the registers of four.
        .filter(|(path, _)| tracker_of(path).is_none_or(|tracker| tracker_exists(tracker, values)))
        .map(|(path, value)| Told {
            path: Arc::from(*path),
            value: value.clone().filter(|_| is_believed(path)),
            text: None,
            limits: None,
        })
        .collect()
}

/// A service with a voltage is alive; one that has no register for any is believed.
fn is_alive(values: &Values) -> bool {
    let mut voltages =
        values.iter().filter(|(path, _)| path.ends_with("Voltage") || path.ends_with("/V")).peekable();
    voltages.peek().is_none()
        || voltages
            .any(|(_, value)| value.as_ref().and_then(Scalar::number).is_some_and(|volts| volts != 0.0))
}

fn has_real_zeros(class: &str, path: &str, values: &Values) -> bool {
    if let Some((branch, phase)) = phase_of(path) {
        return phase_exists(class, branch, phase, values);
    }
    if path.starts_with("/Info/") {
        return flows(values, "/Info/MaxChargeVoltage");
    }
    if path == "/State" && class == "vebus" {
        // One that is off gives no voltage.
        return !flows(values, "/Ac/Out/L1/V");
    }
    if path == "/MppOperationMode" {
        // A charger that charges is not off: it only does not tell.
        return !flows(values, "/Yield/Power");
    }
    if path.starts_with("/Overrides/") || path.starts_with("/Io/") {
        // Most of the time there is no override, and most batteries do not tell what they allow.
        return false;
    }
    let Some(row) = catalogue().find(class, path) else { return false };
    match row.unit {
        Some("W" | "VA" | "A" | "kW") => true,
        Some(_) => false,
        None => path.starts_with("/Alarms/") || catalogue().word(row, 0).is_some(),
    }
}

/// Whether a register holds something other than 0.
fn flows(values: &Values, path: &str) -> bool {
    let number = values.get(path).and_then(Option::as_ref).and_then(Scalar::number);
    number.is_some_and(|number| number != 0.0)
}

/// `/Pv/1` of `/Pv/1/MppOperationMode`.
fn tracker_of(path: &str) -> Option<&str> {
    let end = "/Pv/0".len();
    let is_tracker = path.starts_with("/Pv/") && path.as_bytes().get(end) == Some(&b'/');
    path.get(..end).filter(|_| is_tracker)
}

fn tracker_exists(tracker: &str, values: &Values) -> bool {
    ["V", "P"].iter().any(|leaf| flows(values, &format!("{tracker}/{leaf}")))
}

/// `/Ac/Grid` and `L2` of `/Ac/Grid/L2/Power`.
fn phase_of(path: &str) -> Option<(&str, &str)> {
    ["L1", "L2", "L3"].into_iter().find_map(|phase| {
        let at = path.find(&format!("/{phase}/"))?;
        let (leaf, unit) = (path.rsplit('/').next()?, path.get(..at)?);
        matches!(leaf, "Power" | "P" | "Current" | "I").then_some((unit, phase))
    })
}

/// A phase exists if it has a voltage; in the sums of the whole system if anything flows in it.
fn phase_exists(class: &str, branch: &str, phase: &str, values: &Values) -> bool {
    if class == "system" {
        let any = |branch: &str| flows(values, &format!("{branch}/{phase}/Power"));
        let whole = ["L1", "L2", "L3"].iter().any(|phase| flows(values, &format!("{branch}/{phase}/Power")));
        return whole && (any("/Ac/Grid") || any("/Ac/Consumption"));
    }
    flows(values, &format!("{branch}/{phase}/Voltage")) || flows(values, &format!("{branch}/{phase}/V"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(class: &str, registers: &[(u16, u16)]) -> BTreeMap<String, Option<Scalar>> {
        let registers: BTreeMap<_, _> = registers.iter().copied().collect();
        let mut values = Values::new();
        for block in blocks(class) {
            let raw: Vec<u16> = (block.first..block.first + block.count)
                .map(|number| registers.get(&number).copied().unwrap_or(0))
                .collect();
            block.decode(&raw, &mut values);
        }
        believable(class, &values).into_iter().map(|told| (told.path.to_string(), told.value)).collect()
    }

    #[test]
    fn blocks_have_no_gaps_and_fit_a_frame() {
        for class in ["system", "vebus", "battery", "settings", "grid", "multi"] {
            for block in blocks(class) {
                let words: u16 = block.points.iter().map(|point| point.register.kind.words()).sum();
                assert_eq!(words, block.count, "{class} {}", block.first);
                assert!(block.count <= COUNT_MAX, "{class} {}", block.first);
            }
        }
    }

    #[rstest]
    #[case("system", &[(840, 512), (841, 65_526), (842, 65_484), (843, 81)], "/Dc/Battery/Voltage", Some(Scalar::Float(51.2)))]
    #[case("system", &[(840, 512), (841, 65_526)], "/Dc/Battery/Current", Some(Scalar::Float(-1.0)))]
    #[case("system", &[(840, 512), (842, 65_484)], "/Dc/Battery/Power", Some(Scalar::Int(-52)))]
    #[case("system", &[(840, 512), (843, 0)], "/Dc/Battery/Soc", None)]
    #[case("system", &[(840, 512), (842, 0)], "/Dc/Battery/Power", Some(Scalar::Int(0)))]
    #[case("system", &[(840, 0), (842, 0)], "/Dc/Battery/Power", None)]
    #[case::consumed("system", &[(840, 512), (845, 35)], "/Dc/Battery/ConsumedAmphours", Some(Scalar::Float(-3.5)))]
    #[case::wide_wins("system", &[(840, 512), (820, 100), (908, 0xffff), (909, 0xff9c)], "/Ac/Grid/L1/Power", Some(Scalar::Int(-100)))]
    #[case::no_second_phase("system", &[(840, 512), (909, 100)], "/Ac/Grid/L2/Power", None)]
    #[case::balanced_phase("system", &[(840, 512), (909, 100), (905, 5)], "/Ac/Grid/L2/Power", Some(Scalar::Int(0)))]
    #[case::no_limit("settings", &[(2720, 0xffff), (2721, 0xffff)], "/Settings/CGwacs/MaxDischargePower", Some(Scalar::Int(-1)))]
    #[case::no_discharge("settings", &[(2720, 0), (2721, 0)], "/Settings/CGwacs/MaxDischargePower", Some(Scalar::Int(0)))]
    #[case::no_override("hub4", &[], "/Overrides/Setpoint", None)]
    #[case::an_override("hub4", &[(2716, 0xffff), (2717, 0xfce0)], "/Overrides/Setpoint", Some(Scalar::Int(-800)))]
    #[case::serial("system", &[(840, 512), (800, 0x6330), (801, 0x3631)], "/Serial", Some(Scalar::Text("c061".into())))]
    #[case::no_bms("battery", &[(259, 5120), (1297, 0)], "/Io/AllowToCharge", None)]
    #[case::no_counter("battery", &[(259, 5120), (302, 0)], "/History/ChargedEnergy", None)]
    #[case::no_limit_told("battery", &[(259, 5120), (307, 0)], "/Info/MaxChargeCurrent", None)]
    #[case::nothing_allowed("battery", &[(259, 5120), (305, 532), (307, 0)], "/Info/MaxChargeCurrent", Some(Scalar::Float(0.0)))]
    #[case::reserved("battery", &[(259, 5120), (266, 65_535)], "/Soc", None)]
    fn registers_become_values(
        #[case] class: &str,
        #[case] registers: &[(u16, u16)],
        #[case] path: &str,
        #[case] expected: Option<Scalar>,
    ) {
        assert_eq!(read(class, registers).get(path), Some(&expected));
    }

    #[test]
    fn a_charger_has_the_inputs_that_show_a_voltage() {
        let one = read("solarcharger", &[(771, 5120), (776, 17_800), (792, 0), (793, 900), (791, 0)]);
        assert!(one.keys().all(|path| tracker_of(path).is_none()), "{one:?}");
        assert_eq!(one.get("/MppOperationMode"), Some(&None), "it charges");
        let two = read("solarcharger", &[(771, 5120), (3700, 17_800), (3701, 300), (3724, 900)]);
        assert_eq!(two.get("/Pv/1/P"), Some(&Some(Scalar::Int(0))), "{two:?}");
        assert!(!two.contains_key("/Pv/2/P"));
    }
}

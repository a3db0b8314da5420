//! What the paths of a GX device mean: unit, meaning, names of states, Modbus registers.
//!
//! The table (`paths.tsv`) is text in the binary, read at the first question. Of repeated trees (modules, days, schedules,
//! trackers) it lists one index; a path with another index finds that row. A path without a row is kept all the same,
//! without unit and meaning.

use std::collections::HashMap;
use std::sync::OnceLock;

/// The committed table.
const TABLE: &str = include_str!("paths.tsv");

/// How often a path is worth looking at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Every few seconds.
    High,
    /// Every minute.
    Medium,
    /// Every few minutes, or on change.
    Low,
}

impl Priority {
    /// How often that is, s.
    pub(crate) fn every_s(self) -> u32 {
        match self {
            Self::High => 10,
            Self::Medium => 60,
            Self::Low => 300,
        }
    }
}

/// Type of a Modbus register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegisterType {
    U16,
    I16,
    /// Two registers, the high word first.
    U32,
    /// Two registers, the high word first.
    I32,
    /// So many registers of packed ASCII.
    Text(u16),
}

impl RegisterType {
    /// How many registers it takes.
    pub(crate) fn words(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 => 2,
            Self::Text(words) => words,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "u16" => Self::U16,
            "i16" => Self::I16,
            "u32" => Self::U32,
            "i32" => Self::I32,
            // Registers that the Modbus server makes up by itself (date, version) have no value of a path behind them.
            _ => Self::Text(text.strip_prefix("s[")?.strip_suffix(']')?.parse().ok()?),
        })
    }
}

/// Where a path is in the register map: the raw number is the value times the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Register {
    pub(crate) number: u16,
    pub(crate) kind: RegisterType,
    pub(crate) scale: f64,
}

/// The names of the states that a number stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words(Vec<(i64, &'static str)>);

impl Words {
    /// The name of `state`.
    pub(crate) fn of(&self, state: i64) -> Option<&'static str> {
        self.0.iter().find(|(number, _)| *number == state).map(|(_, word)| *word)
    }
}

/// What is known of one path.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The service's class: `battery`.
    pub(crate) class: &'static str,
    /// The path; `{...}` stands for any one segment.
    pub(crate) path: &'static str,
    /// Unit of its number.
    pub(crate) unit: Option<&'static str>,
    /// How often it is worth looking at.
    pub(crate) priority: Priority,
    /// Whether it can be written.
    pub(crate) is_writable: bool,
    /// Whether its value is a text.
    pub(crate) is_text: bool,
    /// Number of its list of states.
    words: Option<usize>,
    /// What it is, for people.
    pub(crate) meaning: &'static str,
    /// Its registers, the one to prefer first.
    pub(crate) registers: Vec<Register>,
}

/// The table with its indices.
pub(crate) struct Catalogue {
    rows: Vec<Row>,
    words: Vec<Words>,
    exact: HashMap<(&'static str, &'static str), usize>,
    /// Rows by their path with every number as `#`.
    numbered: HashMap<(&'static str, String), usize>,
    /// Rows with a placeholder, by class.
    open: HashMap<&'static str, Vec<usize>>,
}

/// The table.
pub(crate) fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| Catalogue::read(TABLE))
}

impl Catalogue {
    fn read(table: &'static str) -> Self {
        let mut catalogue = Self {
            rows: Vec::new(),
            words: Vec::new(),
            exact: HashMap::new(),
            numbered: HashMap::new(),
            open: HashMap::new(),
        };
        let mut class = "";
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('@') {
                class = name;
            } else if let Some(states) = line.strip_prefix('=') {
                catalogue.words.push(words(states));
            } else if let Some(row) = row(class, line) {
                catalogue.add(row);
            }
        }
        catalogue
    }

    fn add(&mut self, row: Row) {
        let index = self.rows.len();
        self.exact.entry((row.class, row.path)).or_insert(index);
        if row.path.contains('{') {
            self.open.entry(row.class).or_default().push(index);
        } else {
            self.numbered.entry((row.class, without_numbers(row.path))).or_insert(index);
        }
        self.rows.push(row);
    }

    /// Every row.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What is known of `path` of a service of `class`.
    pub(crate) fn find(&'static self, class: &str, path: &str) -> Option<&'static Row> {
        let exact = self.exact.get(&(class, path)).copied();
        let index = exact.or_else(|| self.find_like(class, path))?;
        self.rows.get(index)
    }

    fn find_like(&'static self, class: &str, path: &str) -> Option<usize> {
        let placeholder = || {
            let open = self.open.get(class)?;
            open.iter().copied().find(|index| self.rows.get(*index).is_some_and(|row| fits(row.path, path)))
        };
        self.numbered.get(&(class, without_numbers(path))).copied().or_else(placeholder)
    }

    /// The name of the state `number` of a path.
    pub(crate) fn word(&'static self, row: &Row, number: i64) -> Option<&'static str> {
        self.words.get(row.words?)?.of(number)
    }
}

/// A path that is known, for lists of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPath {
    /// The service's class: `battery`.
    pub class: &'static str,
    /// The path; `{...}` stands for any one segment.
    pub path: &'static str,
    /// Unit of its number.
    pub unit: Option<&'static str>,
    /// What it is, for people.
    pub meaning: &'static str,
    /// Whether the device takes writes there.
    pub is_writable: bool,
    /// Whether its value is a text.
    pub is_text: bool,
    /// How often it is worth reading, s.
    pub every_s: u32,
    /// The names of the states that its number stands for.
    pub states: Vec<(i64, &'static str)>,
}

/// Every path that is known.
pub fn known_paths() -> impl Iterator<Item = KnownPath> {
    catalogue().rows.iter().map(|row| KnownPath {
        class: row.class,
        path: row.path,
        unit: row.unit,
        meaning: row.meaning,
        is_writable: row.is_writable,
        is_text: row.is_text,
        every_s: row.priority.every_s(),
        states: row
            .words
            .and_then(|words| catalogue().words.get(words))
            .map(|words| words.0.clone())
            .unwrap_or_default(),
    })
}

fn words(line: &'static str) -> Words {
    let states = line.split_once('\t').map_or("", |(_, states)| states);
    Words(
        states
            .split('|')
            .filter_map(|state| state.split_once('='))
            .filter_map(|(number, word)| Some((number.parse().ok()?, word)))
            .collect(),
    )
}

fn row(class: &'static str, line: &'static str) -> Option<Row> {
    let mut columns = line.split('\t');
    let path = columns.next().filter(|path| path.starts_with('/'))?;
    let unit = columns.next().filter(|unit| !unit.is_empty());
    let priority = columns.next()?;
    let words = columns
        .next()
        .and_then(|number| number.parse::<usize>().ok())
        .and_then(|number| number.checked_sub(1));
    let meaning = columns.next().unwrap_or_default();
    let mut registers: Vec<_> = columns.next().unwrap_or_default().split(' ').filter_map(register).collect();
    // A wider register clips less, and one without a coarse scale tells more.
    registers
        .sort_by(|a, b| b.kind.words().cmp(&a.kind.words()).then(b.scale.abs().total_cmp(&a.scale.abs())));
    Some(Row {
        class,
        path,
        unit,
        priority: match priority.as_bytes().first() {
            Some(b'1') => Priority::High,
            Some(b'2') => Priority::Medium,
            _ => Priority::Low,
        },
        is_writable: priority.ends_with('w'),
        is_text: priority.contains('t'),
        words,
        meaning,
        registers,
    })
}

fn register(text: &str) -> Option<Register> {
    let mut parts = text.split(':');
    let number = parts.next()?.parse().ok()?;
    let kind = RegisterType::parse(parts.next()?)?;
    let scale: f64 = parts.next()?.parse().ok()?;
    (scale != 0.0).then_some(Register { number, kind, scale })
}

/// Every segment that is a number, or ends in one behind letters (`Module0`), with `#` for it. Phases stay: `L1`.
fn without_numbers(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for segment in path.split('/').skip(1) {
        let letters = segment.trim_end_matches(|c: char| c.is_ascii_digit());
        pattern.push('/');
        if letters.len() == segment.len() || letters.len() == 1 {
            pattern.push_str(segment);
        } else {
            pattern.push_str(letters);
            pattern.push('#');
        }
    }
    pattern
}

/// Whether `path` fits a path with placeholders.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if segment_fits(wanted, found) => {}
            _ => return false,
        }
    }
}

fn segment_fits(wanted: &str, found: &str) -> bool {
    match wanted.split_once('{') {
        None => wanted == found,
        Some((before, rest)) => {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            found.len() > before.len() + after.len() && found.starts_with(before) && found.ends_with(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("battery", "/Dc/0/Voltage", Some(("V", "")))]
    #[case("system", "/SystemState/State", Some(("", "")))]
    #[case("battery", "/Battery/7/Cell/3/Voltage", Some(("V", "")))]
    #[case("solarcharger", "/Pv/3/P", Some(("W", "")))]
    #[case("platform", "/CanBus/Interface/can1/Statistics", Some(("", "")))]
    #[case("battery", "/Nonsense", None)]
    #[case("nonsense", "/Soc", None)]
    #[case("battery", "", None)]
    fn rows_are_found(#[case] class: &str, #[case] path: &str, #[case] expected: Option<(&str, &str)>) {
        let row = catalogue().find(class, path);
        assert_eq!(
            row.map(|row| row.unit.unwrap_or_default()),
            expected.map(|(unit, _)| unit),
            "{class} {path}"
        );
    }

    /// Names that get mixed up elsewhere.
    #[rstest]
    #[case("vebus", "/Mode", 1, Some("Charger only"))]
    #[case("vebus", "/Mode", 2, Some("Inverter only"))]
    #[case("vebus", "/Mode", 3, Some("On"))]
    #[case("vebus", "/Mode", 4, Some("Off"))]
    #[case("vebus", "/State", 8, Some("Passthru"))]
    #[case("vebus", "/State", 252, Some("External control"))]
    #[case("vebus", "/VebusChargeState", 8, Some("Bulk stopped"))]
    #[case("system", "/SystemState/State", 0, Some("Off"))]
    #[case("system", "/SystemState/State", 8, Some("Passthru"))]
    #[case("system", "/SystemState/State", 252, Some("External control"))]
    #[case("system", "/SystemState/State", 255, None)]
    #[case("system", "/SystemState/State", 258, Some("Recharge"))]
    #[case("system", "/SystemState/State", 259, Some("Scheduled charge"))]
    #[case("system", "/SystemState/State", 261, Some("Overvoltage protection"))]
    #[case("settings", "/Settings/CGwacs/Hub4Mode", 0, None)]
    #[case("vebus", "/Hub4/AssistantId", 3, None)]
    #[case("vebus", "/Alarms/GridLost", 2, Some("Alarm"))]
    #[case("vebus", "/Alarms/GridLost", 1, None)]
    #[case("system", "/SystemState/State", 256, Some("Discharging"))]
    #[case("system", "/SystemState/State", 257, Some("Sustain"))]
    #[case("system", "/SystemState/State", 260, Some("Dynamic ESS"))]
    #[case("vebus", "/Hub4/AssistantId", 5, Some("ESS"))]
    #[case("settings", "/Settings/CGwacs/Hub4Mode", 3, Some("External control"))]
    #[case("platform", "/Firmware/State", 1000, Some("Idle"))]
    #[case("platform", "/Firmware/State", 1, None)]
    #[case("platform", "/Notifications/7/Type", 0, Some("Warning"))]
    #[case("platform", "/Notifications/7/Type", 1, Some("Alarm"))]
    #[case("platform", "/Notifications/7/Type", 2, Some("Information"))]
    #[case("battery", "/State", 16, Some("Pre-charging"))]
    #[case("vebus", "/Ac/ActiveIn/ActiveInput", 240, Some("Disconnected"))]
    fn states_have_their_names(
        #[case] class: &str,
        #[case] path: &str,
        #[case] state: i64,
        #[case] word: Option<&str>,
    ) {
        let row = catalogue().find(class, path).expect("a row");
        assert_eq!(catalogue().word(row, state), word);
    }

    #[test]
    fn the_register_that_clips_least_comes_first() {
        let row = catalogue().find("settings", "/Settings/CGwacs/MaxDischargePower").expect("a row");
        assert_eq!(
            row.registers.first(),
            Some(&Register { number: 2720, kind: RegisterType::I32, scale: 1.0 })
        );
        let soc = catalogue().find("battery", "/Soc").expect("a row");
        assert_eq!(soc.registers, [Register { number: 266, kind: RegisterType::U16, scale: 10.0 }]);
    }

    /// Units that the source spells in another way.
    fn plain_unit(unit: &str) -> &str {
        match unit {
            "Degrees celsius" | "Degrees Celsius" | "Degrees centigrade" => "°C",
            "W DC" | "W AC" => "W",
            "Decimal degrees" | "Degrees" => "°",
            "count" | "config_idx" | "timestamp" => "",
            "RPM" => "rpm",
            "hour" => "h",
            "day" => "d",
            "m3" => "m³",
            "W/m^2" => "W/m²",
            "ug/m^3" => "µg/m³",
            unit => unit,
        }
    }

    /// Where the source is wrong or says less, and the table follows Victron's programs instead.
    const CORRECTED: &[(&str, &str)] = &[
        ("system", "/SystemState/State"),
        ("battery", "/State"),
        ("system", "/DateAndTime"),
        ("system", "/FirmwareVersion"),
    ];

    #[test]
    fn nothing_of_the_source_is_missing() {
        let file = std::env::var_os("OHMSTEAD_SHARED")
            .map(|shared| std::path::PathBuf::from(shared).join("data/victron/paths.json"));
        let Some(text) = file.and_then(|file| std::fs::read(file).ok()) else {
            println!("skipped: OHMSTEAD_SHARED does not lead to paths.json");
            return;
        };
        let source: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let rows = source["paths"].as_array().unwrap();
        for row in rows {
            let text = |key: &str| row[key].as_str().unwrap_or_default();
            let (class, path) = (text("service"), text("path"));
            let known = known_paths().find(|known| known.class == class && known.path == path);
            let known = known.unwrap_or_else(|| panic!("{class} {path} is missing"));
            let every_s = [10, 60, 300][usize::try_from(row["priority"].as_u64().unwrap()).unwrap() - 1];
            assert_eq!(
                (known.is_writable, known.every_s),
                (text("access") == "RW", every_s),
                "{class} {path}"
            );
            if CORRECTED.contains(&(class, path)) {
                continue;
            }
            assert_eq!(known.unit.unwrap_or_default(), plain_unit(text("unit")), "{class} {path}");
            for (number, word) in row["enum"].as_object().into_iter().flatten() {
                let word = word.as_str().unwrap().trim();
                assert!(
                    known.states.contains(&(number.parse().unwrap(), word)),
                    "{class} {path} {number} {word}"
                );
            }
            let registers: Vec<_> = row["modbus"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|register| !register["reg_type"].as_str().unwrap().starts_with("INTERNAL"))
                .collect();
            let found = catalogue().find(class, path).expect("it was found before");
            assert_eq!(found.registers.len(), registers.len(), "{class} {path}");
            for register in registers {
                let number = register["register"].as_u64();
                assert!(
                    found.registers.iter().any(|known| Some(u64::from(known.number)) == number),
                    "{class} {path}"
                );
            }
        }
        println!("{} paths of the source are in the table", rows.len());
    }

    #[test]
    fn the_table_stays_small() {
        assert!(TABLE.len() <= 250_000, "{} bytes", TABLE.len());
        assert!(catalogue().rows().len() >= 1736);
        assert!(catalogue().rows().iter().all(|row| !row.meaning.is_empty()));
    }
}

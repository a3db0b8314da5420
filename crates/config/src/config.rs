//! The whole configuration: the sections of each crate put together, and what no section can see alone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ohmstead_control::overrides::OverrideSettings;
use ohmstead_control::schedule::Rule;
use ohmstead_control::{rotation, tempo};
use ohmstead_drivers::DeviceSettings;
use ohmstead_model::DeviceId;
use ohmstead_outlook::settings::{Asking, Forecast, Tariffs};
use serde::de::DeserializeOwned;

use crate::check;
use crate::de;
use crate::error::{LoadError, Report};
use crate::file;
use crate::log::LogSettings;
use crate::paths;
use crate::problem::{Fault, Problem, What};
use crate::site::Site;
use crate::snippet::{Source, without_secrets};
use crate::tree::{self, Key, Mark, Node, Value};
use crate::variables::{self, VariableError};

/// Everything that `ohmstead.yaml` says.
#[derive(Debug, Clone)]
pub struct Config {
    /// The house.
    pub site: Site,
    /// The devices in the order of the file.
    pub devices: Vec<(DeviceId, DeviceSettings)>,
    /// Modes by the clock, in the order of the file.
    pub schedules: Vec<Rule>,
    /// How long what is asked by hand lasts.
    pub overrides: OverrideSettings,
    /// The broker; `None` where there is no `mqtt:` or it is `off`.
    pub mqtt: Option<ohmstead_publish::Settings>,
    /// The web interface; `None` where it is `off`.
    pub web: Option<ohmstead_web::Settings>,
    /// Where the history is sent on to, by name, in the order of the file.
    pub sinks: Vec<(String, ohmstead_sinks::Settings)>,
    /// The store.
    pub history: ohmstead_history::Settings,
    /// Whether nothing is ever written to a device that does not say otherwise itself. True unless the file says
    /// `read_only: false`.
    pub read_only: bool,
    /// The limits of the site.
    pub limits: ohmstead_control::limiter::Settings,
    /// The groups of batteries that take turns, in the order of the file.
    pub rotation: rotation::Settings,
    /// What a kilowatt hour costs and brings; `None` where nothing is said.
    pub tariffs: Option<Tariffs>,
    /// Where forecasts come from.
    pub forecast: Forecast,
    /// How prices, colours and forecasts are asked for.
    pub outlook: Asking,
    /// What batteries do before dear days of Tempo; `None` where nothing is said.
    pub tempo: Option<tempo::Settings>,
    /// Whether there are plans, and what they may do.
    pub planner: ohmstead_planner::Settings,
    /// The log.
    pub log: LogSettings,
    /// Where the store, the socket and the lock live, if the file says so.
    pub data_dir: Option<PathBuf>,
}

impl Config {
    /// Whom the outlook asks, and for which place.
    pub fn outlook_settings(&self) -> ohmstead_outlook::Settings {
        let site = ohmstead_outlook::settings::Site {
            zone: self.site.timezone.clone(),
            latitude: self.site.latitude,
            longitude: self.site.longitude,
        };
        ohmstead_outlook::Settings::of(self.tariffs.as_ref(), &self.forecast, self.outlook, site)
    }

    /// The port-8088 interfaces of GX devices that are served to other programs.
    pub fn dbus_apis(&self) -> Vec<ohmstead_web::DbusApi> {
        let of = |(id, settings): &(DeviceId, DeviceSettings)| {
            let DeviceSettings::Victron(settings) = settings else { return None };
            let api = settings.serve_dbus_api.as_ref()?;
            Some(ohmstead_web::DbusApi {
                device: id.clone(),
                access: ohmstead_web::Settings {
                    listen: api.listen,
                    token_file: api.token_file.clone(),
                    allowed_hosts: api.allowed_hosts.clone(),
                    ..ohmstead_web::Settings::default()
                },
                empty_lists: api.empty == ohmstead_drivers::victron::Empty::List,
                writes: api.write,
                read_only: settings.read_only,
            })
        };
        self.devices.iter().filter_map(of).collect()
    }
}

/// The keys of the top level.
const SECTIONS: &[&str] = &[
    "site",
    "devices",
    "schedules",
    "rotation",
    "limits",
    "tariffs",
    "forecast",
    "outlook",
    "tempo",
    "planner",
    "overrides",
    "mqtt",
    "web",
    "history",
    "sinks",
    "read_only",
    "log",
    "data_dir",
];

/// Reads and checks the file at `path`. `env` gives the values for `${NAME}`.
///
/// Files that it names (`password_file` and the like) are tried too; relative paths start at the folder of the file.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, LoadError> {
    let text = file::read(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    read(&text, &path.display().to_string(), env, Some(&folder))
}

/// Reads and checks a configuration that is given as text. No file is looked at: paths stay as
/// they are, and whether there is something behind them is not asked.
///
/// `source_name` stands in front of every message. Never panics, whatever the text is.
pub fn parse(
    text: &str,
    source_name: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, LoadError> {
    read(text, source_name, env, None)
}

fn read(
    text: &str,
    name: &str,
    env: &dyn Fn(&str) -> Option<String>,
    folder: Option<&Path>,
) -> Result<Config, LoadError> {
    if text.len() > file::SIZE_MAX {
        return Err(LoadError::TooBig { name: name.to_owned(), limit: file::SIZE_MAX });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source::new(text);
    let mut root = read_tree(text, &source).map_err(|fault| report(name, vec![fault], &source))?;
    let mut faults = Vec::new();
    let unexpanded = expand(&mut root, env, &source, &mut faults);
    if let Some(folder) = folder {
        paths::make_absolute(&mut root, folder);
    }
    let mut found = Vec::new();
    let config = assemble(&root, folder.is_some() && faults.is_empty(), &mut found);
    // What has no value yet is not wrong a second time.
    faults
        .extend(found.into_iter().filter(|fault| !fault.mark.is_some_and(|mark| unexpanded.contains(&mark))));
    if faults.is_empty() { Ok(config) } else { Err(report(name, faults, &source).into()) }
}

/// The tree of a text, or why there is none.
pub(crate) fn read_tree(text: &str, source: &Source<'_>) -> Result<Node, Fault> {
    if let Some(offset) = variables::reserved_character(text) {
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let mark = Mark { line, column, length: 1 };
        return Err(Fault::at(
            mark,
            What::Text("a private-use character that has no meaning here".to_owned()),
        ));
    }
    let root = tree::parse(&variables::mask(text)).map_err(|fault| narrowed(fault, source))?;
    match &root.value {
        Value::Map(_) => Ok(root),
        Value::Null => Err(Fault::at(Mark::START, What::Text("the file is empty".to_owned())).help(
            "`ohmstead discover --yaml` writes a configuration with the devices that answer in this network",
        )),
        _ => Err(Fault::at(
            root.mark,
            What::Text(format!("{} where a map of keys such as `devices:` is expected", root.kind())),
        )),
    }
}

fn narrowed(fault: Fault, source: &Source<'_>) -> Fault {
    Fault { mark: fault.mark.map(|mark| source.within(mark)), ..fault }
}

/// The report of `faults`, in the order of the file. Nobody reads more than the first few dozen.
pub(crate) fn report(name: &str, mut faults: Vec<Fault>, source: &Source<'_>) -> Report {
    const PROBLEMS_MAX: usize = 50;
    faults.sort_by_key(|fault| fault.mark);
    let mut problems: Vec<_> =
        faults.iter().take(PROBLEMS_MAX).map(|fault| Problem::new(fault, source)).collect();
    problems.dedup();
    Report { name: name.to_owned(), problems, more: faults.len().saturating_sub(PROBLEMS_MAX) }
}

/// Replaces `${NAME}` in every value. Tells where that did not succeed.
fn expand(
    node: &mut Node,
    env: &dyn Fn(&str) -> Option<String>,
    source: &Source<'_>,
    faults: &mut Vec<Fault>,
) -> Vec<Mark> {
    let mark = node.mark;
    match &mut node.value {
        Value::Null => {}
        Value::List(items) => {
            return items.iter_mut().flat_map(|item| expand(item, env, source, faults)).collect();
        }
        Value::Map(entries) => {
            return entries.iter_mut().flat_map(|(_, value)| expand(value, env, source, faults)).collect();
        }
        Value::Scalar(scalar) => match variables::expand(&scalar.text, env) {
            Ok(None) => {}
            // As if nothing had been written behind the colon.
            Ok(Some(text)) if text.is_empty() && scalar.plain => node.value = Value::Null,
            Ok(Some(text)) => scalar.unexpanded = Some(std::mem::replace(&mut scalar.text, text)),
            Err(error) => {
                faults.push(variable_fault(&error, mark, source));
                return vec![mark];
            }
        },
    }
    Vec::new()
}

fn variable_fault(error: &VariableError, mark: Mark, source: &Source<'_>) -> Fault {
    let (text, needle) = match error {
        VariableError::Unset { name } => {
            (format!("the environment variable `{name}` is not set"), format!("${{{name}"))
        }
        VariableError::Malformed { reference } => {
            (format!("`{reference}` is no reference to an environment variable"), reference.clone())
        }
        VariableError::TooDeep => ("too many defaults within defaults".to_owned(), "${".to_owned()),
    };
    let help = match error {
        VariableError::Unset { name } => format!("set it, or give a default: `${{{name}:-...}}`"),
        _ => "expected `${NAME}` or `${NAME:-default}`; `$${` stands for a literal `${`".to_owned(),
    };
    Fault::at(source.narrowed(mark, &needle), What::Text(text)).help(help)
}

/// Reads the sections one by one, so that a slip in one hides nothing in another.
struct Sections<'t> {
    root: &'t Node,
    aside: RefCell<Vec<Fault>>,
}

impl Sections<'_> {
    /// The section, `None` if it is absent or wrong.
    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (key, node) = self.root.entry(name).filter(|(_, node)| !node.is_null())?;
        self.read(node, &[key])
    }

    /// The section unless it says `off`: then `None`, and its default where it is absent or wrong.
    fn unless_off<T: DeserializeOwned + Default>(&self, name: &str) -> Option<T> {
        let off = self
            .root
            .get(name)
            .and_then(Node::text)
            .is_some_and(|text| matches!(text, "off" | "false" | "no"));
        (!off).then(|| self.get(name).unwrap_or_default())
    }

    fn read<T: DeserializeOwned>(&self, node: &Node, path: &[&Key]) -> Option<T> {
        de::read(node, path, &self.aside).map_err(|fault| self.aside.borrow_mut().push(fault)).ok()
    }

    fn unknown(&self) {
        for (key, _) in self.root.entries().iter().filter(|(key, _)| !SECTIONS.contains(&key.text.as_str())) {
            let what = What::UnknownKey { key: key.text.clone(), known: SECTIONS };
            self.aside.borrow_mut().push(Fault::at(key.mark, what));
        }
    }
}

fn assemble(root: &Node, with_files: bool, faults: &mut Vec<Fault>) -> Config {
    let sections = Sections { root, aside: RefCell::new(Vec::new()) };
    sections.unknown();
    let config = Config {
        site: sections.get("site").unwrap_or_default(),
        devices: devices(&sections),
        schedules: schedules(&sections),
        overrides: sections.get("overrides").unwrap_or_default(),
        mqtt: root.get("mqtt").filter(|node| !node.is_null()).and_then(|_| sections.unless_off("mqtt")),
        web: sections.unless_off("web"),
        history: sections.get("history").unwrap_or_default(),
        sinks: by_name(
            &sections,
            "sinks",
            "write `grafana: { influxdb: { url: \"http://192.0.2.9:8086\", database: house } }`",
        ),
        read_only: sections.get("read_only").unwrap_or(true),
        limits: sections.get("limits").unwrap_or_default(),
        rotation: by_name(&sections, "rotation", "write `day: { batteries: [fase_a, fase_b], meter: gx }`"),
        tariffs: sections.get("tariffs"),
        forecast: sections.get("forecast").unwrap_or_default(),
        outlook: sections.get("outlook").unwrap_or_default(),
        tempo: sections.get("tempo"),
        planner: sections.get("planner").unwrap_or_default(),
        log: sections.get("log").unwrap_or_default(),
        data_dir: sections.get("data_dir"),
    };
    let found = sections.aside.into_inner();
    let sound = found.is_empty();
    faults.extend(found);
    // What follows judges values, which are defaults where a section was wrong.
    if sound {
        check::whole(&config, root, with_files, faults);
    }
    config
}

/// A section that is a map of settings by name, in the order of the file.
fn by_name<T: DeserializeOwned>(sections: &Sections<'_>, section: &str, example: &str) -> Vec<(String, T)> {
    let Some((key, node)) = sections.root.entry(section) else { return Vec::new() };
    if !matches!(node.value, Value::Map(_) | Value::Null) {
        let text = format!("`{section}` is {}, not a map by name", node.kind());
        sections.aside.borrow_mut().push(Fault::at(node.mark, What::Text(text)).help(example));
    }
    let read = |(name, node): &(Key, Node)| {
        let settings = sections.read(node, &[key, name])?;
        Some((name.text.clone(), settings))
    };
    node.entries().iter().filter_map(read).collect()
}

fn devices(sections: &Sections<'_>) -> Vec<(DeviceId, DeviceSettings)> {
    let problem = |fault: Fault| sections.aside.borrow_mut().push(fault);
    let Some((key, node)) = sections.root.entry("devices") else {
        problem(
            Fault::at(Mark::START, What::Text("missing key `devices`".to_owned()))
                .help("a device is written as `devices: { garage: { marstek: { host: 192.0.2.7 } } }`"),
        );
        return Vec::new();
    };
    if !matches!(node.value, Value::Map(_) | Value::Null) {
        problem(
            Fault::at(
                node.mark,
                What::Text(format!("`devices` is {}, not a map of devices by name", node.kind())),
            )
            .help("a device is written as `garage: { marstek: { host: 192.0.2.7 } }`"),
        );
    }
    let mut names: HashMap<String, Mark> = HashMap::new();
    let mut devices = Vec::new();
    for (name, node) in node.entries() {
        let id = name.text.parse::<DeviceId>();
        let id = id
            .map_err(|error| problem(Fault::at(name.mark, What::Text(without_secrets(&error.to_string())))))
            .ok();
        if let Some(first) = names.insert(name.text.to_ascii_lowercase(), name.mark) {
            let text =
                format!("device `{}` differs from the one in line {} only by case", name.text, first.line);
            problem(Fault::at(name.mark, What::Text(text)).help("names are parts of topics and file names"));
        }
        let settings = device(sections, key, name, node);
        devices.extend(id.zip(settings));
    }
    devices
}

/// Each window of the file has its place as a number below those of windows that are made at run time.
const WINDOWS_MAX: usize = ohmstead_control::schedule::FIRST_ID as usize - 1;

fn schedules(sections: &Sections<'_>) -> Vec<Rule> {
    let Some((key, node)) = sections.root.entry("schedules").filter(|(_, node)| !node.is_null()) else {
        return Vec::new();
    };
    if !matches!(node.value, Value::Map(_)) {
        let text = format!("`schedules` is {}, not a map of rules by name", node.kind());
        let help = "a rule is written as `night: { from: \"22:00\", to: \"06:00\", mode: hold }`";
        sections.aside.borrow_mut().push(Fault::at(node.mark, What::Text(text)).help(help));
    }
    let count = node.entries().len();
    if count > WINDOWS_MAX {
        let text = format!("`schedules` has {count} windows, more than {WINDOWS_MAX}");
        let help = "the numbers above are those of windows that are made while the program runs";
        sections.aside.borrow_mut().push(Fault::at(key.mark, What::Text(text)).help(help));
    }
    let rule = |(name, node): &(Key, Node)| {
        Some(Rule { name: name.text.clone(), window: sections.read(node, &[key, name])? })
    };
    node.entries().iter().filter_map(rule).collect()
}

fn device(sections: &Sections<'_>, key: &Key, name: &Key, node: &Node) -> Option<DeviceSettings> {
    match node.entries() {
        [_] => sections.read(node, &[key, name]),
        entries => {
            let text = match entries.len() {
                0 => format!("device `{}` names no driver", name.text),
                count => format!(
                    "device `{}` has {count} keys where exactly one, its driver, is expected",
                    name.text
                ),
            };
            let drivers: Vec<_> = ohmstead_drivers::DRIVERS.iter().map(|driver| driver.name).collect();
            sections.aside.borrow_mut().push(Fault::at(name.mark, What::Text(text)).help(format!(
                "write `{}: {{ DRIVER: {{ ... }} }}`; drivers: {}",
                name.text,
                drivers.join(", ")
            )));
            None
        }
    }
}

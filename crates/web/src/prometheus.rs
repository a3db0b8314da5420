//! Figures for Prometheus, in `OpenMetrics` text.
//!
//! A metric `battery_soc` in % becomes `ohmstead_battery_soc_percent{device="..."}`. Units are base units at the end of
//! the name: watts, volts, amperes, celsius, percent, hertz, seconds, watthours. Energy counters, kWh elsewhere, are
//! `..._watthours_total`. A state is one series per state, 1 for the present one. A text is no figure. A value that is
//! not known right now is absent, never 0. The computed house has `device="site"`: leave it out of sums over devices.

mod ahead;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;

use ohmstead_model::catalogue::{Kind, StateDef, Unit};
use ohmstead_model::{DeviceId, DeviceState, Metric, Moment, Online, Snapshot, Value, house};
use prometheus_client::metrics::counter::Counter as CounterCell;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge as GaugeCell;
use prometheus_client::registry::{Registry, Unit as UnitName};

use crate::shape::finite;
use crate::{Backend, Counter};

/// The content type of [`text`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Gauge = Family<Labels, GaugeCell<f64, AtomicU64>>;
type Total = Family<Labels, CounterCell<f64, AtomicU64>>;

/// Everything that there is to tell right now.
pub(crate) fn text(backend: &dyn Backend) -> String {
    let (snapshot, now) = (backend.snapshot(), backend.now());
    let mut registry = Registry::with_prefix("ohmstead");
    program(&mut registry, backend);
    health(&mut registry, &snapshot);
    values(&mut registry, &snapshot, now);
    figures(&mut registry, backend.counters(), |value| value >= 0.0, register_total);
    let gauges = [backend.gauges(), ahead::gauges(backend)].concat();
    figures(&mut registry, gauges, |_| true, register_gauge);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("writing to a string succeeds");
    text
}

fn program(registry: &mut Registry, backend: &dyn Backend) {
    let build = Gauge::default();
    build.get_or_create(&vec![("version", backend.site().version)]).set(1.0);
    registry.register("build_info", "The running program", build);
}

/// Whether each device answers, and when it last did. A device that was not asked yet has neither.
fn health(registry: &mut Registry, snapshot: &Snapshot) {
    let (up, last, info) = (Gauge::default(), Gauge::default(), Gauge::default());
    for device in snapshot.devices() {
        let labels = of(&device.info.id);
        match device.online {
            Online::NotAskedYet => {}
            Online::Yes(_) => drop(up.get_or_create(&labels).set(1.0)),
            Online::No(_) => drop(up.get_or_create(&labels).set(0.0)),
        }
        if let Some(at) = device.last_success {
            last.get_or_create(&labels).set(at.unix.0 as f64 / 1000.0);
        }
        info.get_or_create(&device_labels(device)).set(1.0);
    }
    registry.register("up", "Whether the device answers", up);
    let help = "When the device last answered";
    registry.register_with_unit("last_success_timestamp", help, UnitName::Seconds, last);
    registry.register("device_info", "What the device is", info);
}

fn device_labels(device: &DeviceState) -> Labels {
    let mut labels = of(&device.info.id);
    labels.push(("driver", device.info.driver.to_owned()));
    labels.push(("model", device.info.model.clone().unwrap_or_default()));
    labels.push(("firmware", device.info.firmware.clone().unwrap_or_default()));
    labels
}

fn of(device: &DeviceId) -> Labels {
    vec![("device", device.to_string())]
}

/// All values that may be used now, by metric.
fn values(registry: &mut Registry, snapshot: &Snapshot, now: Moment) {
    let mut known: BTreeMap<Metric, Vec<(DeviceId, Value)>> = BTreeMap::new();
    for device in snapshot.devices() {
        for metric in device.values.keys() {
            if let Ok(value) = device.value(*metric, now) {
                known.entry(*metric).or_default().push((device.info.id.clone(), value.value.clone()));
            }
        }
    }
    for (metric, value) in of_site(snapshot, now) {
        known.entry(metric).or_default().push((DeviceId::site(), value));
    }
    for (metric, devices) in known {
        match metric.def().kind {
            Kind::Gauge => gauge(registry, metric, &devices),
            Kind::Counter => counter(registry, metric, &devices),
            Kind::State(states) => state(registry, metric, states, &devices),
            Kind::Text => {}
        }
    }
}

/// The house: what is computed of it, computed now, and what is told of it.
fn of_site(snapshot: &Snapshot, now: Moment) -> Vec<(Metric, Value)> {
    let computed = house::compute(snapshot, now).values.into_iter();
    let computed = computed.filter_map(|(metric, observation)| Some((metric, observation.ok()?)));
    let site = snapshot.device(DeviceId::site().as_str());
    let told = site.into_iter().flat_map(|site| {
        let told = site.values.keys().filter(|metric| !house::METRICS.contains(metric));
        told.filter_map(|metric| Some((*metric, site.value(*metric, now).ok()?.value.clone())))
    });
    computed.chain(told).collect()
}

fn gauge(registry: &mut Registry, metric: Metric, devices: &[(DeviceId, Value)]) {
    let (unit, factor) = unit(metric);
    let family = Gauge::default();
    for (device, number) in numbers(metric, devices) {
        family.get_or_create(&of(device)).set(number * factor);
    }
    register(registry, metric, unit, family);
}

fn counter(registry: &mut Registry, metric: Metric, devices: &[(DeviceId, Value)]) {
    let (unit, factor) = unit(metric);
    let family = Total::default();
    for (device, number) in numbers(metric, devices).filter(|(_, number)| *number >= 0.0) {
        // Rounded again, for 81.07 kWh are not quite 81070 Wh in binary.
        family.get_or_create(&of(device)).inc_by((number * factor).round());
    }
    register(registry, metric, unit, family);
}

fn state(registry: &mut Registry, metric: Metric, states: &[StateDef], devices: &[(DeviceId, Value)]) {
    let family = Gauge::default();
    for (device, value) in devices {
        for state in states {
            let mut labels = of(device);
            labels.push(("state", state.key.to_owned()));
            let present = value.as_str() == Some(state.key);
            family.get_or_create(&labels).set(if present { 1.0 } else { 0.0 });
        }
    }
    register(registry, metric, None, family);
}

fn numbers(metric: Metric, devices: &[(DeviceId, Value)]) -> impl Iterator<Item = (&DeviceId, f64)> {
    devices.iter().filter_map(move |(device, value)| Some((device, finite(metric, value.number()?)?)))
}

fn register(
    registry: &mut Registry,
    metric: Metric,
    unit: Option<&str>,
    family: impl prometheus_client::registry::Metric,
) {
    let def = metric.def();
    let help = match def.sign.words() {
        Some(sign) => format!("{}, {sign}", def.label.en),
        None => def.label.en.to_owned(),
    };
    match unit {
        Some(unit) => registry.register_with_unit(def.id, help, UnitName::Other(unit.to_owned()), family),
        None => registry.register(def.id, help, family),
    }
}

/// The base unit's name and the factor to it.
fn unit(metric: Metric) -> (Option<&'static str>, f64) {
    metric.def().unit.map(Unit::base).map_or((None, 1.0), |(name, factor)| (Some(name), factor))
}

/// Figures of the program's parts: those of one name are one family.
fn figures(
    registry: &mut Registry,
    figures: Vec<Counter>,
    sensible: impl Fn(f64) -> bool,
    register: impl Fn(&mut Registry, &[Counter]),
) {
    let sensible = |figure: &Counter| figure.value.is_finite() && sensible(figure.value);
    let figures: Vec<Counter> = figures.into_iter().filter(sensible).collect();
    let names: BTreeSet<&str> = figures.iter().map(|figure| figure.name).collect();
    for name in names {
        let family: Vec<Counter> = figures.iter().filter(|figure| figure.name == name).cloned().collect();
        register(registry, &family);
    }
}

fn register_total(registry: &mut Registry, figures: &[Counter]) {
    let family = Total::default();
    for figure in figures {
        family.get_or_create(&figure.labels).inc_by(figure.value);
    }
    registry.register(figures[0].name, figures[0].help, family);
}

fn register_gauge(registry: &mut Registry, figures: &[Counter]) {
    let family = Gauge::default();
    for figure in figures {
        family.get_or_create(&figure.labels).set(figure.value);
    }
    registry.register(figures[0].name, figures[0].help, family);
}

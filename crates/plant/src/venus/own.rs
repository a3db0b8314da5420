//! The simulator's own GX: a three-phase ESS site, service by service, as it stands at the start.
//!
//! Names, types, texts and which values are invalid follow what real drivers show; a row names several paths at once,
//! `/Ac/L{1,2,3}/Power` or `/Diagnostics/Module{0-2}/Id`.

mod battery;
mod gx;
mod meters;
mod row;
mod sensors;
mod settings;
mod solar;
mod system;
mod vebus;

use super::{
    tree::{Access, Attributes, Item, Service, Tree},
    value::{Kind, Value},
};
use row::{Row, Setting, expand};

/// The firmware that the GX runs unless told otherwise.
pub(super) const FIRMWARE: &str = "v3.70";

/// A service of the own tree.
struct Plan {
    class: &'static str,
    connection: Option<&'static str>,
    instance: u32,
    /// Text of an invalid value.
    none: &'static str,
    /// What fills the mandatory paths.
    identity: Identity,
    rows: &'static [&'static [Row]],
}

/// The paths that every service has.
struct Identity {
    process: &'static str,
    version: &'static str,
    connection: &'static str,
    product_id: Option<i32>,
    product: Option<&'static str>,
    firmware: Option<i32>,
    serial: Option<&'static str>,
    custom_name: Option<&'static str>,
}

impl Identity {
    /// A process of the GX itself, without a device behind it.
    const fn process(process: &'static str, version: &'static str) -> Self {
        Self {
            process,
            version,
            connection: "internal",
            product_id: None,
            product: None,
            firmware: None,
            serial: None,
            custom_name: None,
        }
    }
}

/// The whole site.
pub(super) fn tree() -> Tree {
    let mut tree = Tree::default();
    let plans =
        [vebus::PLANS, battery::PLANS, meters::PLANS, solar::PLANS, system::PLANS, gx::PLANS, sensors::PLANS];
    for plan in plans.into_iter().flatten() {
        tree.push(service(plan));
    }
    let mut local = service(&settings::PLAN);
    for setting in settings::SETTINGS {
        for path in expand(setting.path) {
            local.insert(path, setting_item(setting));
        }
    }
    tree.push(local);
    tree.next_revision();
    tree
}

fn service(plan: &Plan) -> Service {
    let mut service = Service::new(plan.class, plan.connection.map(str::to_owned), plan.instance);
    service.none = plan.none;
    if plan.class != "settings" {
        identity(&mut service, &plan.identity);
    }
    for row in plan.rows.iter().copied().flatten() {
        for path in expand(row.path) {
            let (kind, value) = row.start.value();
            let mut item = Item::new(kind, value, row.style);
            item.access = row.access;
            service.insert(path, item);
        }
    }
    service
}

/// hub4's volatile setpoint and discharge limit, which firmware before v3.50 has not.
pub(super) fn volatile_overrides(hub4: &mut Service, has: bool) {
    for row in system::HUB4.iter().filter(|row| system::VOLATILE.contains(&row.path)) {
        if !has {
            hub4.remove(row.path);
        } else if hub4.item(row.path).is_none() {
            let (kind, value) = row.start.value();
            let mut item = Item::new(kind, value, row.style);
            item.access = row.access;
            hub4.insert(row.path, item);
        }
    }
}

/// The paths that a service must have before it takes its name.
fn identity(service: &mut Service, identity: &Identity) {
    use super::style::Style::{Hex, Plain};
    let text = |text: Option<&str>| Item::new(Kind::Text, text.map_or(Value::Invalid, Value::from), Plain);
    let number =
        |number: Option<i32>, style| Item::new(Kind::I32, number.map_or(Value::Invalid, Value::I32), style);
    let instance = i32::try_from(service.instance).ok();
    service.insert("/Mgmt/ProcessName", text(Some(identity.process)));
    service.insert("/Mgmt/ProcessVersion", text(Some(identity.version)));
    service.insert("/Mgmt/Connection", text(Some(identity.connection)));
    service.insert("/DeviceInstance", number(instance, Plain));
    service.insert("/ProductId", number(identity.product_id, Hex));
    service.insert("/ProductName", text(identity.product));
    service.insert("/FirmwareVersion", number(identity.firmware, Plain));
    service.insert("/HardwareVersion", text(None));
    service.insert("/Connected", number(Some(1), Plain));
    if let Some(serial) = identity.serial {
        service.insert("/Serial", text(Some(serial)));
    }
    if let Some(name) = identity.custom_name {
        let mut item = text(Some(name));
        item.access = Access::Write(|value| value.text().is_some());
        service.insert("/CustomName", item);
    }
}

/// A leaf of localsettings with its bounds. Equal bounds are none.
fn setting_item(setting: &Setting) -> Item {
    let (kind, default) = setting.default.value();
    #[expect(clippy::float_cmp, reason = "both are literals of the table")]
    let bounded = setting.min != setting.max;
    let bound = |number| if bounded { kind.of(number) } else { Value::Invalid };
    let mut item = Item::new(kind, default.clone(), super::style::Style::Plain);
    item.access = Access::Write(|_| true);
    item.attributes = Some(Attributes {
        min: bound(setting.min),
        max: bound(setting.max),
        default,
        silent: setting.path.starts_with("/Settings/Gui/"),
    });
    item
}

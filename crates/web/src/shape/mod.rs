//! The JSON shapes of the interface. They are the contract; the model's types never are.

mod automation;
mod batteries;
mod by_hand;
mod control;
mod device;
mod figure;
mod house;
mod limit;
mod metric;
mod mode;
mod money;
mod native;
mod outlook;
mod plan;
mod reason;
mod record;
mod schedule;
mod series;
mod setting;
mod stored;
mod tempo;
mod value;

pub(crate) use automation::{
    Asked, BatteryAnswer, BatteryModeBody, ManualBody, ModeStatus, ModesAnswer, OverrideBody, Together,
    Wanted,
};
pub(crate) use batteries::{BatteriesStatus, batteries};
pub use by_hand::asked_ahead_json;
pub(crate) use by_hand::{AskedAheadBody, AskedAheadJson};
pub(crate) use control::{ControlOverview, SwitchBody, SwitchesJson};
pub use control::{ControlParts, control_json, switches_json};
pub(crate) use device::Device;
pub use device::device_json;
pub(crate) use house::House;
pub use limit::limits_json;
pub(crate) use limit::{LimitBody, LimitJson};
pub(crate) use metric::MetricJson;
pub(crate) use mode::{ModeBody, ModeResult};
pub(crate) use money::MoneyJson;
pub use money::money_json;
pub use native::native_json;
pub(crate) use native::plain;
pub(crate) use outlook::OutlookJson;
pub use outlook::outlook_json;
pub(crate) use plan::PlanJson;
pub use plan::plan_json;
pub(crate) use record::{EventJson, LedgerJson};
pub use schedule::schedule_json;
pub(crate) use schedule::{ScheduleAnswer, ScheduleBody, ScheduleEditBody, ScheduleJson, is_active};
pub(crate) use series::SeriesJson;
pub use series::series_json;
pub(crate) use setting::SettingBody;
pub(crate) use stored::{FiguresJson, GrowthJson};
pub use stored::{figures_json, growth_json};
pub use tempo::tempo_json;
pub(crate) use tempo::{ColourBody, TempoJson};
pub(crate) use value::{V, Values, finite, iso, metrics_of, millis};

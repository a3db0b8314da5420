//! The `sinks:` section of the configuration: by name, then by kind.
//!
//! ```yaml
//! sinks:
//!   grafana: { influxdb: { url: "http://192.0.2.9:8086", database: house } }
//!   prom: { prometheus: { url: "http://192.0.2.9:9090/api/v1/write", snap: 1 s } }
//!   pg: { postgresql: { host: 192.0.2.9, database: house, user: ohmstead, password_file: /etc/ohmstead/pg } }
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use ohmstead_units::Timespan;
use serde::Deserialize;

use crate::Secret;

/// One sink, by its kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// `InfluxDB` 1 and 2, and what else takes its line protocol.
    Influxdb(Influxdb),
    /// Prometheus remote write: Prometheus, `VictoriaMetrics`, Mimir, Thanos.
    Prometheus(Prometheus),
    /// PostgreSQL, with or without TimescaleDB.
    Postgresql(Postgresql),
}

/// Where a sink starts that never ran before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With what comes from now on.
    #[default]
    Now,
    /// With the oldest value of the history.
    All,
}

/// What every kind of sink can be told.
#[derive(Debug, Clone, Copy)]
pub struct Common<'s> {
    /// Ids of the metrics to send, `*` and `?` allowed.
    pub metrics: &'s [String],
    /// Names of the devices to send, `*` and `?` allowed.
    pub devices: &'s [String],
    /// Time stamps are rounded down to whole multiples of this; of several values in one, the last is sent.
    pub snap: Option<Timespan>,
    /// How often new values are sent.
    pub every: Timespan,
    /// Most values in one request.
    pub max_batch: usize,
    /// Values a second while it catches up.
    pub catch_up_per_s: u32,
    /// Where it starts the first time.
    pub from: Start,
}

/// TLS to a database. The server's certificate is always verified.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file with the authorities to trust; those of the system where absent.
    pub ca_file: Option<PathBuf>,
}

/// A kind's own keys, and those of all kinds behind them: serde's `flatten` would lose where in the file an error is.
macro_rules! kind {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// See [`Common::metrics`].
            pub metrics: Vec<String>,
            /// See [`Common::devices`].
            pub devices: Vec<String>,
            /// See [`Common::snap`].
            pub snap: Option<Timespan>,
            /// See [`Common::every`].
            pub every: Timespan,
            /// See [`Common::max_batch`].
            pub max_batch: usize,
            /// See [`Common::catch_up_per_s`].
            pub catch_up_per_s: u32,
            /// See [`Common::from`].
            pub from: Start,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    metrics: vec!["*".to_owned()],
                    devices: vec!["*".to_owned()],
                    snap: None,
                    every: Timespan::from_secs(10),
                    max_batch: 5000,
                    catch_up_per_s: 20_000,
                    from: Start::default(),
                }
            }
        }

        impl $name {
            fn common(&self) -> Common<'_> {
                Common {
                    metrics: &self.metrics,
                    devices: &self.devices,
                    snap: self.snap,
                    every: self.every,
                    max_batch: self.max_batch,
                    catch_up_per_s: self.catch_up_per_s,
                    from: self.from,
                }
            }
        }
    };
}

kind! {
    /// `InfluxDB`: version 1 with `database`, version 2 with `org` and `bucket`.
    pub struct Influxdb {
        /// Where it is, such as `http://192.0.2.9:8086`, without a path of its own.
        pub url: String = String::new(),
        /// The database of version 1.
        pub database: Option<String> = None,
        /// The retention policy of version 1; the database's own default where absent.
        pub retention_policy: Option<String> = None,
        /// User of version 1.
        pub username: Option<String> = None,
        /// Password of version 1. Prefer `password_file`.
        pub password: Option<Secret> = None,
        /// A file whose content is the password.
        pub password_file: Option<PathBuf> = None,
        /// The organisation of version 2.
        pub org: Option<String> = None,
        /// The bucket of version 2.
        pub bucket: Option<String> = None,
        /// The token of version 2. Prefer `token_file`.
        pub token: Option<Secret> = None,
        /// A file whose content is the token.
        pub token_file: Option<PathBuf> = None,
        /// The name of the measurement.
        pub measurement: String = "ohmstead".to_owned(),
        /// Tags on every line besides `device`.
        pub tags: BTreeMap<String, String> = BTreeMap::new(),
        /// TLS, for an `https://` URL.
        pub tls: Option<Tls> = None,
    }
}

kind! {
    /// Prometheus remote write.
    pub struct Prometheus {
        /// The whole URL, such as `http://192.0.2.9:9090/api/v1/write`.
        pub url: String = String::new(),
        /// User, for basic authentication.
        pub username: Option<String> = None,
        /// Password. Prefer `password_file`.
        pub password: Option<Secret> = None,
        /// A file whose content is the password.
        pub password_file: Option<PathBuf> = None,
        /// Bearer token. Prefer `bearer_token_file`.
        pub bearer_token: Option<Secret> = None,
        /// A file whose content is the bearer token.
        pub bearer_token_file: Option<PathBuf> = None,
        /// Labels on every series besides `device`.
        pub labels: BTreeMap<String, String> = BTreeMap::new(),
        /// TLS, for an `https://` URL.
        pub tls: Option<Tls> = None,
    }
}

kind! {
    /// PostgreSQL. The table is made if it is not there: a hypertable where TimescaleDB is.
    pub struct Postgresql {
        /// Host name, address, or the folder of a Unix socket.
        pub host: String = "localhost".to_owned(),
        /// TCP port.
        pub port: u16 = 5432,
        /// The database.
        pub database: String = "ohmstead".to_owned(),
        /// The role to log in as.
        pub user: String = "ohmstead".to_owned(),
        /// Its password. Prefer `password_file`.
        pub password: Option<Secret> = None,
        /// A file whose content is the password.
        pub password_file: Option<PathBuf> = None,
        /// The table, with its schema before a point where it is not in the search path.
        pub table: String = "ohmstead".to_owned(),
        /// TLS; absent means an unencrypted connection.
        pub tls: Option<Tls> = None,
    }
}

impl Settings {
    /// What kind it is, as it stands in the configuration.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Influxdb(_) => "influxdb",
            Self::Prometheus(_) => "prometheus",
            Self::Postgresql(_) => "postgresql",
        }
    }

    /// What every kind has.
    pub fn common(&self) -> Common<'_> {
        match self {
            Self::Influxdb(influx) => influx.common(),
            Self::Prometheus(prometheus) => prometheus.common(),
            Self::Postgresql(postgres) => postgres.common(),
        }
    }

    /// The secrets and their files, with the keys' names.
    pub(crate) fn secrets(&self) -> Vec<(&'static str, Option<&Secret>, Option<&PathBuf>)> {
        match self {
            Self::Influxdb(influx) => vec![
                ("password", influx.password.as_ref(), influx.password_file.as_ref()),
                ("token", influx.token.as_ref(), influx.token_file.as_ref()),
            ],
            Self::Prometheus(prometheus) => vec![
                ("password", prometheus.password.as_ref(), prometheus.password_file.as_ref()),
                ("bearer_token", prometheus.bearer_token.as_ref(), prometheus.bearer_token_file.as_ref()),
            ],
            Self::Postgresql(postgres) => {
                vec![("password", postgres.password.as_ref(), postgres.password_file.as_ref())]
            }
        }
    }

    /// The TLS section, if there is one.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        match self {
            Self::Influxdb(influx) => influx.tls.as_ref(),
            Self::Prometheus(prometheus) => prometheus.tls.as_ref(),
            Self::Postgresql(postgres) => postgres.tls.as_ref(),
        }
    }

    /// Forgets the files that it names, for a check that must look at none.
    pub fn without_files(&mut self) {
        let unread = || Some(Secret::new("not read now"));
        let replace = |file: &mut Option<PathBuf>, secret: &mut Option<Secret>| {
            if file.take().is_some() && secret.is_none() {
                *secret = unread();
            }
        };
        let tls = match self {
            Self::Influxdb(it) => {
                replace(&mut it.password_file, &mut it.password);
                replace(&mut it.token_file, &mut it.token);
                &mut it.tls
            }
            Self::Prometheus(it) => {
                replace(&mut it.password_file, &mut it.password);
                replace(&mut it.bearer_token_file, &mut it.bearer_token);
                &mut it.tls
            }
            Self::Postgresql(it) => {
                replace(&mut it.password_file, &mut it.password);
                &mut it.tls
            }
        };
        *tls = None;
    }
}

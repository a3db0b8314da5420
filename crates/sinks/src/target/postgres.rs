//! PostgreSQL: a batch goes by COPY into a temporary table and from there, what is new or differs, into the one that
//! stays. A batch that comes twice changes nothing.

use std::fmt::Write as _;
use std::pin::Pin;

use futures_util::FutureExt as _;
use futures_util::SinkExt as _;
use futures_util::future::{BoxFuture, Either, select};
use ohmstead_model::Value;
use ohmstead_outside::in_one_line;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Failure, Target};
use crate::settings::Postgresql;
use crate::source::Point;
use crate::tls;

/// A database.
pub(super) struct Postgres {
    settings: Postgresql,
    tls: Option<MakeRustlsConnect>,
    open: Option<Open>,
}

/// A connection: the client, and what moves its bytes, which is run beside each question.
struct Open {
    client: Client,
    wire: BoxFuture<'static, Result<(), Error>>,
}

impl Postgres {
    pub(super) fn new(settings: &Postgresql) -> Result<Self, String> {
        let tls = settings.tls.as_ref().map(tls::configuration).transpose()?.map(MakeRustlsConnect::new);
        Ok(Self { settings: settings.clone(), tls, open: None })
    }

    async fn write(&mut self, points: &[Point]) -> Result<(), Failure> {
        // Taken out: a question that is broken off leaves no connection that anybody could use.
        let mut open = match self.open.take() {
            Some(open) => open,
            None => connect(&self.settings, self.tls.clone()).await?,
        };
        let work = Box::pin(insert(&mut open.client, &self.settings.table, points));
        let result = match select(work, Pin::new(&mut open.wire)).await {
            Either::Left((result, _)) => result.map_err(|error| judge(&error)),
            Either::Right((ended, _)) => Err(lost(ended)),
        };
        if !matches!(result, Err(Failure::Later { .. })) {
            self.open = Some(open);
        }
        result
    }
}

async fn connect(settings: &Postgresql, tls: Option<MakeRustlsConnect>) -> Result<Open, Failure> {
    let password = super::secret(settings.password.as_ref(), settings.password_file.as_deref())
        .map_err(|error| Failure::later(format!("the password cannot be read: {error}")))?;
    let mut config = Config::new();
    config.host(&settings.host).port(settings.port).dbname(&settings.database).user(&settings.user);
    config.application_name("ohmstead");
    config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
    if let Some(password) = password {
        config.password(password.expose());
    }
    let mut open = match tls {
        None => dial(&config, NoTls).await?,
        Some(tls) => dial(&config, tls).await?,
    };
    let work = Box::pin(ensure(&open.client, &settings.table));
    match select(work, Pin::new(&mut open.wire)).await {
        Either::Left((result, _)) => result.map_err(|error| judge(&error))?,
        Either::Right((ended, _)) => return Err(lost(ended)),
    }
    Ok(open)
}

async fn dial<T>(config: &Config, tls: T) -> Result<Open, Failure>
where
    T: MakeTlsConnect<Socket> + Send,
    T::TlsConnect: Send,
    T::Stream: Send + 'static,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await.map_err(|error| judge(&error))?;
    Ok(Open { client, wire: connection.boxed() })
}

fn lost(ended: Result<(), Error>) -> Failure {
    let why = ended.err().map_or_else(|| "the server closed it".to_owned(), |error| in_one_line(&error));
    Failure::later(format!("the connection was lost ({why})"))
}

/// What a refusal means: the value, or something to be put right first.
fn judge(error: &Error) -> Failure {
    let Some(refusal) = error.as_db_error() else { return Failure::later(in_one_line(error)) };
    let (code, said) = (refusal.code(), format!("{} ({})", refusal.message(), refusal.code().code()));
    // Class 22 is about data, 23 about constraints that somebody put on the table.
    if code.code().starts_with("22") || code.code().starts_with("23") {
        return Failure::Refused { why: said, only: None, of_age: false };
    }
    let hint = match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "check user and password_file"
        }
        SqlState::INVALID_CATALOG_NAME => "create the database",
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "grant the role CREATE on the schema, TEMP on the database, SELECT, INSERT and UPDATE on the table"
        }
        _ => return Failure::later(said),
    };
    Failure::later(format!("{said}; {hint}"))
}

/// Makes the table if it is not there: a hypertable with chunks of a day where TimescaleDB is.
async fn ensure(client: &Client, table: &str) -> Result<(), Error> {
    let exists = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?;
    if !exists.get::<_, bool>(0) {
        client
            .batch_execute(&format!(
                "CREATE TABLE IF NOT EXISTS {table} (
                     time timestamptz NOT NULL,
                     device text NOT NULL,
                     metric text NOT NULL,
                     value double precision,
                     text text,
                     PRIMARY KEY (device, metric, time)
                 )"
            ))
            .await?;
        let timescale =
            client.query_opt("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'", &[]).await?;
        if timescale.is_some() {
            client
                .batch_execute(&format!(
                    "SELECT create_hypertable('{table}', 'time', chunk_time_interval => INTERVAL '1 day', if_not_exists => true)"
                ))
                .await?;
        }
    }
    client
        .batch_execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS ohmstead_batch
                 (at bigint, device text, metric text, value double precision, text text) ON COMMIT DELETE ROWS",
        )
        .await
}

async fn insert(client: &mut Client, table: &str, points: &[Point]) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    let copy = transaction.copy_in("COPY ohmstead_batch FROM STDIN").await?;
    let mut copy = std::pin::pin!(copy);
    copy.send(std::io::Cursor::new(rows(points))).await?;
    copy.close().await?;
    transaction
        .batch_execute(&format!(
            "INSERT INTO {table} AS known (time, device, metric, value, text)
             SELECT timestamptz 'epoch' + at * interval '1 millisecond', device, metric, value, text FROM ohmstead_batch
             ON CONFLICT (device, metric, time) DO UPDATE SET value = EXCLUDED.value, text = EXCLUDED.text
             WHERE (known.value, known.text) IS DISTINCT FROM (EXCLUDED.value, EXCLUDED.text)"
        ))
        .await?;
    transaction.commit().await
}

/// COPY's text format: columns between tabs, `\N` for nothing.
fn rows(points: &[Point]) -> Vec<u8> {
    let mut rows = String::with_capacity(points.len() * 64);
    for point in points {
        write!(rows, "{}\t{}\t{}\t", point.at.0, point.device, point.metric.id())
            .expect("a string takes all");
        match &point.value {
            Value::Number(number) => write!(rows, "{number}\t\\N").expect("a string takes all"),
            Value::State(text) => text_column(&mut rows, text),
            Value::Text(text) => text_column(&mut rows, text),
        }
        rows.push('\n');
    }
    rows.into_bytes()
}

fn text_column(rows: &mut String, text: &str) {
    rows.push_str("\\N\t");
    for c in text.chars() {
        match c {
            '\\' => rows.push_str("\\\\"),
            '\t' => rows.push_str("\\t"),
            '\n' => rows.push_str("\\n"),
            '\r' => rows.push_str("\\r"),
            // PostgreSQL has no place for it in a text.
            '\0' => rows.push(char::REPLACEMENT_CHARACTER),
            c => rows.push(c),
        }
    }
}

impl Target for Postgres {
    fn send<'a>(&'a mut self, points: &'a [Point]) -> BoxFuture<'a, Result<(), Failure>> {
        self.write(points).boxed()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use ohmstead_model::Metric;

    use super::*;
    use crate::target::remote_write::tests::{point, state, text};

    #[test]
    fn rows_for_copy() {
        let points = [
            point(1_700_000_000_123, "a", Metric::BatterySoc, 81.5),
            state(5, "a"),
            text(6, "a", "tab\t line\n back\\N nul\0 end\r"),
        ];
        expect![[r#"
            1700000000123	a	battery_soc	81.5	\N
            5	a	battery_mode	\N	auto
            6	a	battery_mode_native	\N	tab\t line\n back\\N nul� end\r
        "#]]
        .assert_eq(&String::from_utf8(rows(&points)).expect("text"));
    }
}

//! The installation itself.

use axum::Json;
use axum::extract::State;
use utoipa::ToSchema;

use crate::error::ErrorBody;
use crate::shape::iso;
use crate::state::App;

/// The installation.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Site)]
pub(crate) struct SiteJson {
    /// Name for people.
    #[schema(example = "Home")]
    name: String,
    /// IANA time zone; times on the page are shown in it.
    #[schema(example = "Europe/Paris")]
    timezone: String,
    /// Languages of the page in order of preference, ISO 639-1.
    #[schema(example = json!(["fr", "en"]))]
    languages: Vec<String>,
    /// Version of the program.
    version: String,
    /// Whether every write is only a dry run.
    read_only: bool,
    /// When the program started, UTC.
    #[schema(format = DateTime)]
    started_at: String,
    /// The present time of the installation, UTC.
    #[schema(format = DateTime)]
    now: String,
}

/// The installation.
#[utoipa::path(
    get, path = "/api/v1/site", tag = "house",
    responses(
        (status = 200, description = "Name, time zone, languages, version.", body = SiteJson),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn site(State(app): State<App>) -> Json<SiteJson> {
    let site = app.backend.site();
    Json(SiteJson {
        name: site.name,
        timezone: site.time_zone.iana_name().unwrap_or("UTC").to_owned(),
        languages: site.languages,
        version: site.version,
        read_only: site.read_only,
        started_at: iso(site.started_at),
        now: iso(app.backend.now().unix),
    })
}

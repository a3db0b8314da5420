//! The description of the interface, OpenAPI 3.1, derived from the handlers. The program serves the committed file
//! `openapi.json`; a test holds it to this.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::api;

/// The description as text, for the committed file. The program has no use for it.
pub fn description() -> String {
    let description = api::all(Description::openapi());
    description.to_pretty_json().expect("the description is plain data") + "\n"
}

/// What the handlers do not say themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ohmstead",
        description = "Read and control home batteries and inverters.\n\nSigns: power that feeds the house is positive \
(grid import, battery discharge, solar), so that load = grid + battery + solar. A value that is not known right now is \
`null` with a `why`, never 0. Times are UTC. Every refusal has the shape of `Error`. Fields may be added; none is \
renamed.\n\nWhere a token is configured, send `Authorization: Bearer TOKEN`, or log in with `POST /login` and keep the \
cookie. Commands need a JSON body and, from a browser, the same origin.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        version = env!("CARGO_PKG_VERSION"),
    ),
    servers((url = "/", description = "This installation.")),
    security((), ("token" = []), ("session" = [])),
    tags(
        (name = "house", description = "What is known right now."),
        (name = "control", description = "Asking a battery for a mode."),
        (name = "ahead", description = "Prices, colours, forecasts, the plan, and what it came to in money."),
        (name = "records", description = "History, writes, events."),
        (name = "health", description = "For service managers and Prometheus."),
        (name = "access", description = "Sessions of the page."),
        (name = "compatibility", description = "Interfaces of marstek-automation."),
    ),
    modifiers(&Schemes),
)]
struct Description;

/// How a caller shows the token.
struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of the installation, for programs."))
            .build();
        let cookie = ApiKeyValue::with_description(
            "ohmstead_session",
            "The cookie that `POST /login` sets, for the page.",
        );
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

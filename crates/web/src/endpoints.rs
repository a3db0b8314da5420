//! One list of the handlers, for two uses: the router that answers, and the description of it, which is a committed file
//! that the program only serves. What makes the description is for whoever writes that file, and is not in the program.

use std::marker::PhantomData;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter};
use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::Path;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::{Components, OpenApi};

use crate::state::App;

/// A handler, `endpoint!(module::function)`, with what its attribute `utoipa::path` says of it.
macro_rules! endpoint {
    ($module:ident::$handler:ident) => {
        pastey::paste! { $crate::endpoints::Endpoint::<$module::[<__path_ $handler>], _>::of($module::$handler) }
    };
}
pub(crate) use endpoint;

/// See [`endpoint!`].
pub(crate) struct Endpoint<D, H> {
    description: PhantomData<D>,
    handler: H,
}

impl<D, H> Endpoint<D, H> {
    pub(crate) fn of(handler: H) -> Self {
        Self { description: PhantomData, handler }
    }
}

/// What takes endpoints in.
pub(crate) trait Endpoints: Sized {
    fn with<D, H, T>(self, endpoint: Endpoint<D, H>) -> Self
    where
        D: Path + SchemaReferences + Tags<'static>,
        H: Handler<T, App>,
        T: 'static;
}

/// Answers.
impl Endpoints for Router<App> {
    fn with<D, H, T>(self, Endpoint { handler, .. }: Endpoint<D, H>) -> Self
    where
        D: Path + SchemaReferences + Tags<'static>,
        H: Handler<T, App>,
        T: 'static,
    {
        let methods = D::methods().iter().map(filter).reduce(MethodFilter::or);
        let methods = methods.expect("utoipa::path takes no handler without a method");
        self.route(&D::path(), MethodRouter::new().on(methods, handler))
    }
}

/// Describes.
impl Endpoints for OpenApi {
    fn with<D, H, T>(mut self, _: Endpoint<D, H>) -> Self
    where
        D: Path + SchemaReferences + Tags<'static>,
        H: Handler<T, App>,
        T: 'static,
    {
        let mut operation = D::operation();
        operation.tags.get_or_insert_default().extend(D::tags().into_iter().map(str::to_owned));
        self.paths.add_path_operation(D::path(), D::methods(), operation);
        let mut schemas = Vec::new();
        D::schemas(&mut schemas);
        self.components.get_or_insert_with(Components::new).schemas.extend(schemas);
        self
    }
}

fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}

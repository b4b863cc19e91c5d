//! One method of one address: what answers it, and what is said of it.

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::Native;

/// Makes the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A row of the table that both the router and the description are made of.
pub(super) struct Endpoint {
    /// Below `/jotgate/v1`, with `{names}` for what varies.
    pub(super) path: &'static str,
    /// The method, in lower case.
    pub(super) method: &'static str,
    /// One line for people.
    pub(super) summary: &'static str,
    /// The status when nothing is wrong.
    pub(super) status: StatusCode,
    /// Whether an API key can be enough.
    pub(super) for_keys: bool,
    /// The parameters of the address, as the properties of an object.
    pub(super) query: Option<SchemaOf>,
    /// The body that is sent.
    pub(super) body: Option<SchemaOf>,
    /// The body of the answer.
    pub(super) answer: Option<SchemaOf>,
    /// What answers.
    pub(super) handler: MethodRouter<Native>,
}

impl Endpoint {
    /// `GET`.
    pub(super) fn get<H: Handler<T, Native>, T: 'static>(
        path: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self {
        Self::new("get", MethodFilter::GET, path, summary, handler)
    }

    /// `POST`.
    pub(super) fn post<H: Handler<T, Native>, T: 'static>(
        path: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self {
        Self::new("post", MethodFilter::POST, path, summary, handler)
    }

    /// `PATCH`.
    pub(super) fn patch<H: Handler<T, Native>, T: 'static>(
        path: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self {
        Self::new("patch", MethodFilter::PATCH, path, summary, handler)
    }

    /// `DELETE`.
    pub(super) fn delete<H: Handler<T, Native>, T: 'static>(
        path: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self {
        Self::new("delete", MethodFilter::DELETE, path, summary, handler)
    }

    fn new<H: Handler<T, Native>, T: 'static>(
        method: &'static str,
        filter: MethodFilter,
        path: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self {
        Self {
            path,
            method,
            summary,
            status: StatusCode::OK,
            for_keys: false,
            query: None,
            body: None,
            answer: None,
            handler: on(filter, handler),
        }
    }

    /// Takes parameters: the properties of `T`.
    pub(super) fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(|generator| generator.root_schema_for::<T>());
        self
    }

    /// Takes a body.
    pub(super) fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// Answers with a body.
    pub(super) fn answer<T: JsonSchema>(mut self) -> Self {
        self.answer = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// Answers with another status than 200.
    pub(super) const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// A program with an API key may ask, as far as the key goes.
    pub(super) const fn for_keys(mut self) -> Self {
        self.for_keys = true;
        self
    }
}

//! QRS as clients see it: requests through the router, over a real repository.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod about;
mod certificates;
mod clients;
mod conventions;
mod described;
mod labels;
mod node;
mod proxy_service;
mod selection;
mod site;
mod user;
mod virtual_proxy;

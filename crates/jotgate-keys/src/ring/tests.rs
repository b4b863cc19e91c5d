mod cached;
mod issuers;
mod rotation;
mod unreliable;

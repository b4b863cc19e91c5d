mod cached;
mod issuers;
mod rotation;
mod shared;
mod unreliable;

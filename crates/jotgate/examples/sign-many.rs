//! Prints many tokens that differ, for measurements: `sign-many KEY COUNT`, where KEY is a file with a
//! private key in PEM.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::fs;

use jotgate_model::Algorithm;
use jotgate_token::SigningKey;
use serde_json::{Value, json};

/// When the tokens run out: in the year 2100.
const EXPIRES: i64 = 4_102_444_800;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: sign-many KEY COUNT";
    let key = SigningKey::from_pem(&fs::read_to_string(arguments.next().ok_or(usage)?)?)?;
    let count: usize = arguments.next().ok_or(usage)?.parse()?;
    for i in 0..count {
        let claims = json!({
            "userId": format!("user{i:07}"),
            "userDirectory": "example",
            "Group": ["sales", "finance"],
            "exp": EXPIRES,
        });
        if let Value::Object(claims) = claims {
            println!("{}", key.sign(Algorithm::RS256, None, &claims)?);
        }
    }
    Ok(())
}

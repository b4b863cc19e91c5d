//! The command line as a client of a running gateway: through the socket in its data directory, or
//! from elsewhere through its QRS port with an administrator's certificate, or through the gateway
//! itself with an API key.

pub(crate) mod tls;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

use crate::commands::read_file;
use crate::data_directory::control_socket;
use crate::exit::{Exit, Failure};

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// The longest answer.
const MAX_ANSWER: usize = 256 << 20;

/// How the gateway is found.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which gateway")]
pub(crate) struct GatewayArguments {
    /// The data directory of a gateway on this machine
    #[arg(
        long,
        value_name = "DIR",
        env = "JOTGATE_DATA_DIR",
        hide_env_values = true,
        default_value = "./jotgate-data"
    )]
    pub(crate) data_dir: PathBuf,
    /// A gateway elsewhere: with --certificate its QRS port, such as https://gateway.example.com:4242;
    /// with --api-key-file the gateway, such as https://gateway.example.com
    #[arg(long, value_name = "URL", requires = "credentials")]
    server: Option<String>,
    /// The administrator's certificate for --server, PEM
    #[arg(long, value_name = "FILE", requires_all = ["server", "key"], group = "credentials")]
    certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// A file that holds an API key for --server, and nothing else
    #[arg(long, value_name = "FILE", requires = "server", group = "credentials")]
    api_key_file: Option<PathBuf>,
    /// The root certificate of --server, PEM; without it, the roots of this machine
    #[arg(long, value_name = "FILE", requires = "server")]
    ca: Option<PathBuf>,
}

impl GatewayArguments {
    /// The gateway of that data directory.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            server: None,
            certificate: None,
            key: None,
            api_key_file: None,
            ca: None,
        }
    }

    /// Whether a gateway on this machine is meant and none runs there.
    pub(crate) fn is_local_and_stopped(&self) -> bool {
        let socket = control_socket(&self.data_dir);
        self.server.is_none() && std::os::unix::net::UnixStream::connect(socket).is_err()
    }

    /// Whether an API key says who asks.
    pub(crate) const fn has_api_key(&self) -> bool {
        self.api_key_file.is_some()
    }

    /// Asks the gateway. `path` begins behind `/jotgate/v1/`; `body` is sent as JSON.
    ///
    /// # Errors
    /// The gateway cannot be reached, refuses, or does not answer as it should.
    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        runtime()?.block_on(async {
            self.in_time(async {
                let answer = self.send(method, path, body).await?;
                self.json(answer).await
            })
            .await
        })
    }

    /// Asks for a file, and writes it to `out`.
    ///
    /// # Errors
    /// As [`Self::ask`], and what is said when `out` cannot be written.
    pub(crate) fn fetch(
        &self,
        path: &str,
        body: &Value,
        out: &mut impl io::Write,
    ) -> Result<(), Failure> {
        runtime()?.block_on(async {
            let asked = self.send(Method::POST, path, Some(body));
            let mut answer = self.in_time(asked).await?;
            if !answer.status().is_success() {
                let _refused = self.in_time(self.json(answer)).await?;
                return Err(self.broken(&"it refuses and says that nothing is wrong"));
            }
            while let Some(frame) = self.in_time(async { Ok(answer.frame().await) }).await? {
                let frame = frame.map_err(|error| self.broken(&error))?;
                if let Ok(bytes) = frame.into_data() {
                    out.write_all(&bytes).map_err(|error| {
                        let sentence = format!("the answer cannot be written ({error})");
                        Failure::new(Exit::Usage, sentence)
                    })?;
                }
            }
            Ok(())
        })
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let done = tokio::time::timeout(PATIENCE, work).await;
        done.unwrap_or_else(|_| {
            let sentence = format!("{} does not answer; look at its log", self.place());
            Err(Failure::new(Exit::Fault, sentence))
        })
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> Failure {
        let sentence = format!("{} cannot be asked ({error})", self.place());
        Failure::new(Exit::Fault, sentence)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, Failure> {
        let broken = |error: &dyn std::fmt::Display| self.broken(error);
        let (credentials, value) = self.credentials()?;
        let (stream, host) = self.connect().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(&error))?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/jotgate/v1/{path}", self.prefix()))
            .header(HOST, host)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(credentials, value)
            .body(Full::new(Bytes::from(
                body.map(Value::to_string).unwrap_or_default(),
            )))
            .map_err(|error| broken(&error))?;
        sender
            .send_request(request)
            .await
            .map_err(|error| broken(&error))
    }

    async fn json(&self, answer: Response<Incoming>) -> Result<Value, Failure> {
        let broken = |error: &dyn std::fmt::Display| self.broken(error);
        let status = answer.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER)
            .collect()
            .await
            .map_err(|error| broken(&error))?
            .to_bytes();
        let value: Value = serde_json::from_slice(&body)
            .map_err(|_| broken(&format_args!("it answers {status} without JSON")))?;
        if status.is_success() {
            return Ok(value);
        }
        Err(refused(status, &value))
    }

    async fn connect(&self) -> Result<(Box<dyn Stream>, String), Failure> {
        match &self.server {
            Some(server) => {
                let identity = self.certificate.as_deref().zip(self.key.as_deref());
                tls::connect(server, identity, self.ca.as_deref()).await
            }
            None => {
                let stream = UnixStream::connect(control_socket(&self.data_dir)).await;
                let stream = stream.map_err(|error| self.not_there(&error))?;
                Ok((Box::new(stream), "localhost".to_owned()))
            }
        }
    }

    /// The field that says who asks.
    fn credentials(&self) -> Result<(HeaderName, HeaderValue), Failure> {
        if let Some(file) = &self.api_key_file {
            return Ok((AUTHORIZATION, api_key(file)?));
        }
        let user = format!("UserDirectory=INTERNAL; UserId={}", user_name());
        let user = HeaderValue::from_str(&user).map_err(|error| self.broken(&error))?;
        Ok((HeaderName::from_static("x-qlik-user"), user))
    }

    /// The path of `--server`: a virtual proxy that allows administration.
    fn prefix(&self) -> String {
        let address = self.server.as_deref().unwrap_or_default();
        let uri = address.parse::<http::Uri>().unwrap_or_default();
        uri.path().trim_end_matches('/').to_owned()
    }

    fn not_there(&self, error: &io::Error) -> Failure {
        let directory = self.data_dir.display();
        let sentence = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
                "no gateway runs on the data directory {directory}; start it, or name another with --data-dir or --server"
            ),
            _ => {
                format!("the gateway on the data directory {directory} cannot be reached ({error})")
            }
        };
        Failure::new(Exit::DataDirectory, sentence)
    }

    fn place(&self) -> String {
        match &self.server {
            Some(server) => format!("the gateway at {server}"),
            None => format!(
                "the gateway on the data directory {}",
                self.data_dir.display()
            ),
        }
    }
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Fault, format!("no thread can run ({error})")))
}

/// What bytes go through.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What the gateway says, as the sentence of this process.
fn refused(status: StatusCode, problem: &Value) -> Failure {
    let exit = match status {
        status if status.is_server_error() => Exit::Fault,
        _ => Exit::Refused,
    };
    let detail = problem["detail"].as_str().unwrap_or("it says no more");
    let detail: String = detail.chars().filter(|c| !c.is_control()).collect();
    Failure::new(exit, format!("the gateway refuses: {detail}"))
}

/// The field with the API key in that file.
fn api_key(file: &Path) -> Result<HeaderValue, Failure> {
    const LONGEST: u64 = 4096;
    let text = read_file("--api-key-file", file, LONGEST)?;
    let field = HeaderValue::from_str(&format!("Bearer {}", text.trim()));
    let mut field = field.map_err(|_| {
        let path = file.display();
        let sentence = format!("--api-key-file names {path}, which holds no API key");
        Failure::new(Exit::Usage, sentence)
    })?;
    field.set_sensitive(true);
    Ok(field)
}

/// One segment of a path.
pub(crate) fn segment(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

/// Whom a change through `--server` is noted under: letters and digits of the name at this machine.
fn user_name() -> String {
    let name = std::env::var("USER").unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        .take(64)
        .collect();
    if name.is_empty() {
        return "command_line".to_owned();
    }
    name
}

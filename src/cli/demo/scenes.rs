use std::net::SocketAddr;

use bytes::Bytes;
use http::Response;
use sekisho_codec::coding::{Budget, Coding, Decoder, Encoder};
use sekisho_filters::order_gate::SafetyView;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::cli::Terminal;
use crate::identity::new_key::random_text;

impl Stage {
    /// Plays every scene. An outcome that is not as told is an error: the demo never shows what did not happen.
    pub(super) async fn play(&self, terminal: &mut Terminal<'_>) -> Result<(), String> {
        terminal.say("Sekisho: a sidecar between a trading service, its log collector and its venue, all on loopback.");
        self.logs(terminal).await?;
        self.strangers(terminal).await?;
        self.first_start(terminal).await?;
        self.release(terminal, 4, "CLOSE_ONLY").await?;
        self.order(terminal, "open a position", ORDER, Some("order_refused")).await?;
        self.release(terminal, 5, "ALLOW").await?;
        self.order(terminal, "open a position", ORDER, None).await?;
        self.tighten(terminal).await?;
        self.order(terminal, "open a position", ORDER, Some("order_refused")).await?;
        self.cancel(terminal).await
    }

    async fn logs(&self, terminal: &mut Terminal<'_>) -> Result<(), String> {
        terminal.say("\n1. Log lines leave through egress; what arrives at the collector:");
        let chance = random_text(36).map_err(|error| error.to_string())?;
        let token = format!("gh{}_{}", 'p', chance.as_str());
        let lines = [
            format!(
                r#"{{"level":"info","msg":"connected","api_key":"{}","order_id":"7f9c24e8-3b12-4fd1"}}"#,
                chance.as_str()
            ),
            format!("2026-11-23T09:30:00Z push failed for https://bot:{}@git.example/repo.git", chance.as_str()),
            format!("ts=09:30:01 msg=\"retry with {token}\" latency_ms=12"),
            format!("venue session opened with {}", self.known),
            "filled BTC-USD qty=0.50 price=64120.10 order=1029384756".to_owned(),
        ];
        for line in &lines {
            let kind = if line.starts_with('{') { "application/json" } else { "text/plain" };
            self.passes(self.egress()?, ("POST", "/logs"), &[("content-type", kind)], line.clone()).await?;
            let arrived = String::from_utf8_lossy(&self.arrived()?).into_owned();
            self.no_secret(&arrived, chance.as_str())?;
            terminal.say(format_args!("   sent    {line}\n   arrived {arrived}"));
        }
        let headers = [("content-type", "text/plain"), ("content-encoding", "gzip")];
        self.passes(self.egress()?, ("POST", "/logs"), &headers, gzip(&lines.join("\n"))).await?;
        let arrived = gunzip(&self.arrived()?)?;
        self.no_secret(&arrived, chance.as_str())?;
        terminal.say("   the same lines as one gzip body: masked alike, and still gzip");
        Ok(())
    }

    async fn strangers(&self, terminal: &mut Terminal<'_>) -> Result<(), String> {
        terminal.say("\n2. A caller guesses at the ingress door, then the rightful one comes:");
        let mut statuses = Vec::new();
        for _ in 0..5 {
            let headers = [("x-api-key", "sekisho_risk_wrong")];
            let response = Self::send(self.ingress()?, ("GET", "/reports"), &headers, "").await?;
            statuses.push(response.status().as_u16());
        }
        if statuses != [401, 401, 401, 429, 429] {
            return Err(format!("expected 401 three times and then 429, got {statuses:?}"));
        }
        terminal.say(format_args!("   five wrong keys: {statuses:?}"));
        let headers = [("x-api-key", self.desk.key.as_str())];
        self.passes(self.ingress()?, ("GET", "/reports"), &headers, "").await?;
        self.collector.take();
        terminal.say("   the right key from the same address: 200");
        Ok(())
    }

    async fn first_start(&self, terminal: &mut Terminal<'_>) -> Result<(), String> {
        let posture = self.app.safety.effective(&[]).posture;
        terminal.say(format_args!("\n3. No state was ever stored, so the state is {posture}:"));
        self.order(terminal, "open a position", ORDER, Some("order_refused")).await?;
        self.cancel(terminal).await
    }

    async fn release(&self, terminal: &mut Terminal<'_>, scene: u8, to: &str) -> Result<(), String> {
        terminal.say(format_args!("\n{scene}. Two people loosen one stage, to {to}:"));
        let proposed = self.admin("/v1/release/propose", self.ann.key.as_str(), &json!({ "reason": "demo" })).await?;
        let (id, code) = (text(&proposed, "/challenge/id"), text(&proposed, "/code"));
        terminal.say(format_args!(
            "   ann proposes: challenge {id}, code {code}, evidence {}",
            text(&proposed, "/challenge/evidence")
        ));
        let answer = json!({ "id": id, "code": code });
        if self.admin("/v1/release/confirm", self.ann.key.as_str(), &answer).await.is_ok() {
            return Err("one person alone released".to_owned());
        }
        terminal.say("   ann confirms her own: refused, a second person has to");
        let released = self.admin("/v1/release/confirm", self.bob.key.as_str(), &answer).await?;
        terminal.say(format_args!(
            "   bob confirms: {} (epoch {})",
            text(&released, "/after/switch"),
            text(&released, "/epoch")
        ));
        if text(&released, "/after/switch") == to { Ok(()) } else { Err(format!("expected {to}: {released}")) }
    }

    async fn tighten(&self, terminal: &mut Terminal<'_>) -> Result<(), String> {
        terminal.say("\n6. One person tightens, at once:");
        let asked = json!({ "switch": "BLOCK", "reason": "demo" });
        let tightened = self.admin("/v1/tighten", self.ann.key.as_str(), &asked).await?;
        terminal.say(format_args!(
            "   ann: {}, stored {}",
            text(&tightened, "/after/switch"),
            text(&tightened, "/durable")
        ));
        Ok(())
    }

    async fn order(
        &self,
        terminal: &mut Terminal<'_>,
        what: &str,
        body: &str,
        refused: Option<&str>,
    ) -> Result<(), String> {
        let headers = [("content-type", "application/json")];
        let response = Self::send(self.egress()?, ("POST", "/v2/orders"), &headers, body.to_owned()).await?;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        // Beside the venue's own words.
        let answer = answer.get("sekisho").unwrap_or(&answer);
        let reached = self.venue.take();
        let as_told = match refused {
            None => response.status() == 200 && reached.len() == 1,
            Some(code) => text(answer, "/code") == code && reached.is_empty(),
        };
        if !as_told {
            return Err(format!("{what}: {} {answer}, {} reached the venue", response.status(), reached.len()));
        }
        let outcome = match refused {
            None => "reaches the venue".to_owned(),
            Some(code) => format!(
                "{} {code}, state {}, decision {}; nothing reaches the venue",
                response.status().as_u16(),
                text(answer, "/state"),
                text(answer, "/decision")
            ),
        };
        terminal.say(format_args!("   {what}: {outcome}"));
        Ok(())
    }

    async fn cancel(&self, terminal: &mut Terminal<'_>) -> Result<(), String> {
        self.passes(self.egress()?, ("DELETE", "/v2/orders/1029384756"), &[], "").await?;
        match self.venue.take().as_slice() {
            [one] => terminal.say(format_args!("   cancel an order: passes, the venue sees {}", one.line)),
            other => return Err(format!("a cancel reached the venue {} times", other.len())),
        }
        Ok(())
    }

    async fn admin(&self, path: &str, key: &str, body: &Value) -> Result<Value, String> {
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        let response = Self::send(self.app.addresses.admin, ("POST", path), &headers, body.to_string()).await?;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status() == 200 { Ok(answer) } else { Err(format!("{path}: {} {answer}", response.status())) }
    }

    async fn passes(
        &self,
        address: SocketAddr,
        line: (&str, &str),
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>, String> {
        let response = Self::send(address, line, headers, body).await?;
        if response.status() == 200 {
            return Ok(response);
        }
        let answer = String::from_utf8_lossy(response.body());
        Err(format!("{} {}: expected 200, got {} {answer}", line.0, line.1, response.status()))
    }

    fn arrived(&self) -> Result<Bytes, String> {
        self.collector.take().pop().map(|received| received.body).ok_or_else(|| "nothing arrived".to_owned())
    }

    fn no_secret(&self, arrived: &str, chance: &str) -> Result<(), String> {
        let leaked = arrived.contains(chance) || arrived.contains(&self.known);
        if leaked { Err("a secret arrived".to_owned()) } else { Ok(()) }
    }

    fn egress(&self) -> Result<SocketAddr, String> {
        self.app.addresses.egress.ok_or_else(|| "no egress listener".to_owned())
    }

    fn ingress(&self) -> Result<SocketAddr, String> {
        self.app.addresses.ingress.ok_or_else(|| "no ingress listener".to_owned())
    }
}

fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(Coding::Gzip), Vec::new());
    encoder.push(text.as_bytes(), &mut out);
    encoder.finish(&mut out);
    out
}

fn gunzip(mut bytes: &[u8]) -> Result<String, String> {
    let (mut decoder, mut out) = (Decoder::new(Coding::Gzip, Budget::TRUSTED), Vec::new());
    while decoder.step(&mut bytes, &mut out).map_err(|error| error.to_string())? {}
    decoder.finish(&mut out).map_err(|error| error.to_string())?;
    String::from_utf8(out).map_err(|error| error.to_string())
}

const ORDER: &str = r#"{"symbol":"BTC/USD","side":"buy","type":"market","qty":"0.5","time_in_force":"gtc"}"#;

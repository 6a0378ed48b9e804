//! Messengers and what hooks into them.

use super::{Kind, kind};
use crate::case::secret;
use crate::rng::{BASE64URL, Rng, UPPER, base64url};

pub(super) const KINDS: [Kind; 7] = [
    kind("slack token", slack).names(&["slack token", "slack bot token", "bot token"]).bare().own(&[
        |rng| format!("cookie: b=1; d=xoxd-{}; x=2", secret(rng.alnum(80))),
        |rng| format!("curl -H 'Authorization: Bearer {}' https://slack.com/api/auth.test", secret(slack(rng))),
    ]),
    kind("slack app token", |rng| format!("xapp-1-A{}-{}-{}", rng.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 10), rng.digits(13), rng.hex(64)))
        .names(&["slack app token", "slack socket token"]).bare(),
    kind("slack webhook", |_| String::new()).own(&[
        |rng| format!("SLACK_WEBHOOK_URL=https://hooks.slack.com/services/{}", hook(rng)),
        |rng| format!("{{\"webhook\":\"https://hooks.slack.com/services/{}\",\"channel\":\"#ops\"}}", hook(rng)),
        |rng| format!("POST https://hooks.slack.com/services/{} failed: 404 no_service", hook(rng)),
        |rng| format!("  slack_api_url: 'https://hooks.slack.com/services/{}'", hook(rng)),
        |rng| format!("https://hooks.slack.com/workflows/T{}/A{}/{}/{}", rng.of(UPPER, 8), rng.of(UPPER, 10), rng.digits(18), secret(rng.alnum(24))),
    ]),
    kind("telegram bot token", telegram).names(&["telegram token", "telegram bot token", "bot token"]).bare().own(&[
        |rng| format!("POST https://api.telegram.org/bot{}/sendMessage 200", secret(telegram(rng))),
        |rng| format!("httpx: HTTP Request: POST https://api.telegram.org/bot{}/getUpdates \"HTTP/1.1 200 OK\"", secret(telegram(rng))),
    ]),
    kind("discord bot token", discord).names(&["discord token", "discord bot token"]).bare().own(&[
        |rng| format!("Authorization: Bot {}", secret(discord(rng))),
        |rng| format!("client.login('{}');", secret(discord(rng))),
    ]),
    kind("discord webhook", |_| String::new()).own(&[
        |rng| format!("DISCORD_WEBHOOK=https://discord.com/api/webhooks/{}/{}", rng.digits(18), secret(rng.of(BASE64URL, 68))),
        |rng| format!("{{\"url\":\"https://discordapp.com/api/webhooks/{}/{}\"}}", rng.digits(19), secret(rng.of(BASE64URL, 68))),
        |rng| format!("requests.post('https://discord.com/api/webhooks/{}/{}', json=msg)", rng.digits(18), secret(rng.of(BASE64URL, 68))),
    ]),
    kind("teams webhook", |_| String::new()).own(&[
        |rng| format!("https://x.webhook.office.com/webhookb2/{}@{}/IncomingWebhook/{}/{}", rng.uuid(), rng.uuid(), secret(rng.hex(32)), rng.uuid()),
        |rng| format!("  url: https://prod-01.westeurope.logic.azure.com:443/workflows/{}/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={}", rng.hex(32), secret(rng.of(BASE64URL, 43))),
    ]),
];

fn slack(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => format!("xoxb-{}-{}-{}", rng.digits(12), rng.digits(13), rng.alnum(24)),
        1 => format!("xoxp-{}-{}-{}-{}", rng.digits(12), rng.digits(12), rng.digits(13), rng.hex(32)),
        2 => format!("xoxe.xoxp-1-{}", rng.alnum(160)),
        _ => format!("xoxc-{}-{}-{}-{}", rng.digits(12), rng.digits(12), rng.digits(13), rng.hex(64)),
    }
}

fn hook(rng: &mut Rng) -> String {
    let set = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    format!("T{}/B{}/{}", rng.of(set, 8), rng.of(set, 10), secret(rng.alnum(24)))
}

fn telegram(rng: &mut Rng) -> String {
    let digits = rng.between(8, 10);
    format!("{}:AA{}", rng.digits(digits), rng.of(BASE64URL, 33))
}

fn discord(rng: &mut Rng) -> String {
    let (id, length) = (rng.digits(18), rng.pick(&[27, 38]));
    format!("{}.{}.{}", base64url(id), rng.of(BASE64URL, 6), rng.of(BASE64URL, length))
}

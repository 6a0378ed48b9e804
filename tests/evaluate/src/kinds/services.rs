//! Payment, mail and telephone services.

use super::{Kind, kind};
use crate::case::secret;
use crate::rng::{BASE64URL, Rng, UPPER};

pub(super) const KINDS: [Kind; 11] = [
    kind("stripe key", |rng| {
        let head = rng.pick(&["sk_live_", "rk_live_", "sk_test_", "rk_test_"]);
        let length = rng.pick(&[24, 99]);
        format!("{head}{}", rng.alnum(length))
    })
    .names(&["stripe secret key", "stripe api key", "stripe key"])
    .bare()
    .own(&[|rng| {
        format!("curl https://api.stripe.com/v1/charges -u {}:", secret(format!("sk_live_{}", rng.alnum(24))))
    }]),
    kind("stripe webhook secret", |rng| format!("whsec_{}", rng.alnum(32)))
        .names(&["stripe webhook secret", "endpoint secret", "webhook secret"])
        .bare(),
    kind("twilio auth token", |rng| rng.hex(32)).names(&["twilio auth token", "auth token"]).own(&[
        |rng| format!("Client('AC{}', '{}')", rng.hex(32), secret(rng.hex(32))),
        |rng| {
            format!(
                "curl -X POST https://api.twilio.com/2010-04-01/Accounts/AC{0}/Messages.json -u AC{0}:{1}",
                "0f".repeat(16),
                secret(rng.hex(32))
            )
        },
    ]),
    kind("sendgrid key", |rng| format!("SG.{}.{}", rng.of(BASE64URL, 22), rng.of(BASE64URL, 43)))
        .names(&["sendgrid api key", "sendgrid key"])
        .bare(),
    kind("mailgun key", |rng| {
        if rng.one_in(2) {
            format!("key-{}", rng.hex(32))
        } else {
            format!("{}-{}-{}", rng.hex(32), rng.hex(8), rng.hex(8))
        }
    })
    .names(&["mailgun api key", "mailgun key"])
    .bare()
    .own(&[|rng| {
        format!("curl -s --user 'api:{}' https://api.mailgun.net/v3/x/messages", secret(format!("key-{}", rng.hex(32))))
    }]),
    kind("mailchimp key", |rng| format!("{}-us{}", rng.hex(32), rng.between(1, 21)))
        .names(&["mailchimp api key", "mailchimp key"])
        .bare(),
    kind("shopify token", |rng| format!("{}{}", rng.pick(&["shpat_", "shpca_", "shppa_", "shpss_"]), rng.hex(32)))
        .names(&["shopify token", "shopify access token"])
        .header("X-Shopify-Access-Token")
        .bare(),
    kind("square token", |rng| match rng.below(3) {
        0 => format!("EAAA{}", rng.of(BASE64URL, 60)),
        1 => format!("sq0atp-{}", rng.of(BASE64URL, 22)),
        _ => format!("sq0csp-{}", rng.of(BASE64URL, 43)),
    })
    .names(&["square access token", "square token"])
    .bare(),
    kind("plaid token", |rng| format!("access-production-{}", rng.uuid()))
        .names(&["plaid access token", "access token"])
        .bare()
        .own(&[|rng| format!("{{\"client_id\":\"{}\",\"secret\":\"{}\"}}", rng.hex(24), secret(rng.hex(30)))]),
    kind("paypal and braintree", |rng| {
        format!("access_token$production${}${}", rng.of("abcdefghijklmnopqrstuvwxyz0123456789", 16), rng.hex(32))
    })
    .names(&["braintree access token", "paypal token"])
    .bare()
    .own(&[|rng| {
        let (id, word) = (pair(rng), pair(rng));
        format!("PAYPAL_CLIENT_ID=A{id}\nPAYPAL_SECRET=E{}", secret(word))
    }]),
    kind("messagebird and vonage", |rng| rng.alnum(16)).own(&[
        |rng| format!("NEXMO_API_KEY={}\nNEXMO_API_SECRET={}", rng.hex(8), secret(rng.alnum(16))),
        |rng| format!("Authorization: AccessKey {}", secret(rng.alnum(25))),
        |rng| format!("MG_ACCESS_KEY={}", secret(rng.of(UPPER, 25))),
    ]),
];

fn pair(rng: &mut Rng) -> String {
    rng.of(BASE64URL, 79)
}

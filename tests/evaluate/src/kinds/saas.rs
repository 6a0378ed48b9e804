//! Hosted tools.

use super::{Kind, kind};
use crate::case::secret;
use crate::rng::{BASE64URL, base64};

pub(super) const KINDS: [Kind; 16] = [
    kind("digitalocean token", |rng| format!("{}{}", rng.pick(&["dop_v1_", "doo_v1_", "dor_v1_"]), rng.hex(64)))
        .names(&["digitalocean token", "do token"])
        .bare(),
    kind("databricks token", |rng| format!("dapi{}{}", rng.hex(32), rng.pick(&["", "-2"])))
        .names(&["databricks token", "dbx token"])
        .bare(),
    kind("heroku key", |rng| if rng.one_in(2) { format!("HRKU-AA{}", rng.of(BASE64URL, 58)) } else { rng.uuid() })
        .names(&["heroku api key", "heroku token"]),
    kind("supabase", |rng| {
        if rng.one_in(2) { format!("sbp_{}", rng.hex(40)) } else { format!("sb_secret_{}", rng.of(BASE64URL, 31)) }
    })
    .names(&["supabase token", "supabase service key"])
    .bare(),
    kind("planetscale, neon, atlas", |rng| match rng.below(3) {
        0 => {
            let head = rng.pick(&["pscale_tkn_", "pscale_pw_", "pscale_oauth_"]);
            format!("{head}{}", rng.of(BASE64URL, 43))
        }
        1 => format!("napi_{}", rng.alnum(64).to_lowercase()),
        _ => format!("mdb_sa_sk_{}", rng.of(BASE64URL, 40)),
    })
    .names(&["database token", "planetscale token", "neon api key", "atlas secret"])
    .bare(),
    kind("sentry token", |rng| {
        if rng.one_in(2) {
            format!("sntryu_{}", rng.hex(64))
        } else {
            let inner =
                format!("{{\"iat\":17{}.1,\"url\":\"https://sentry.example.com\",\"org\":\"x\"}}", rng.digits(8));
            format!("sntrys_{}_{}", base64(inner), rng.of(BASE64URL, 43))
        }
    })
    .names(&["sentry auth token", "sentry token"])
    .bare(),
    kind("linear key", |rng| format!("lin_api_{}", rng.alnum(40))).names(&["linear api key"]).bare(),
    kind("notion token", |rng| {
        if rng.one_in(2) { format!("ntn_{}", rng.alnum(46)) } else { format!("secret_{}", rng.alnum(43)) }
    })
    .names(&["notion token", "notion api key"])
    .bare(),
    kind("airtable token", |rng| format!("pat{}.{}", rng.alnum(14), rng.hex(64)))
        .names(&["airtable api key", "airtable token"])
        .bare(),
    kind("figma token", |rng| format!("figd_{}", rng.of(BASE64URL, 40)))
        .names(&["figma token"])
        .header("X-Figma-Token")
        .bare(),
    kind("postman key", |rng| format!("PMAK-{}-{}", rng.hex(24), rng.hex(34))).names(&["postman api key"]).bare(),
    kind("dropbox token", |rng| format!("sl.{}", rng.of(BASE64URL, 140)))
        .names(&["dropbox token", "dropbox access token"])
        .bare(),
    kind("facebook token", |rng| format!("EAA{}", rng.alnum(150))).names(&["facebook token", "fb access token"]).bare(),
    kind("circleci and sonar token", |rng| {
        if rng.one_in(2) {
            format!("CCIPAT_{}_{}", rng.alnum(22), rng.hex(40))
        } else {
            format!("{}{}", rng.pick(&["squ_", "sqp_", "sqa_"]), rng.hex(40))
        }
    })
    .names(&["circle token", "sonar token"])
    .bare(),
    kind("okta and snyk token", |rng| if rng.one_in(2) { format!("00{}", rng.of(BASE64URL, 40)) } else { rng.uuid() })
        .names(&["okta api token", "snyk token", "okta token"]),
    kind("twitter and reddit", |rng| rng.alnum(50))
        .names(&["twitter consumer secret", "consumer secret", "access token secret", "reddit client secret"])
        .own(&[|rng| {
            format!(
                "OAuth oauth_consumer_key=\"x\", oauth_token=\"{}\", oauth_signature=\"{}\"",
                secret(rng.alnum(50)),
                secret(format!("{}%3D", rng.alnum(27)))
            )
        }]),
];

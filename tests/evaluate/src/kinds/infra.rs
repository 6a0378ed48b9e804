//! What runs servers: vaults, clusters, buses, networks.

use super::{Kind, generic::password, keys::jwt, kind};
use crate::case::secret;
use crate::checks::base32_crc16;
use crate::rng::{BASE64URL, Rng};

pub(super) const KINDS: [Kind; 13] = [
    kind("nats nkey seed", |rng| {
        let role = rng.pick(&[0u8, 20 << 3, 2 << 3, 13 << 3]);
        let first = 18 << 3 | role >> 5;
        let second = (role & 31) << 3;
        let seed = base32_crc16(&[&[first, second][..], &rng.bytes(32)].concat());
        if rng.one_in(5) { format!("{}{}", &seed[..57], if seed.ends_with('A') { "B" } else { "A" }) } else { seed }
    })
    .names(&["nkey seed", "nats seed", "nats nkey"])
    .bare()
    .own(&[|rng| {
        format!(
            "-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------",
            secret(base32_crc16(&[&[18 << 3 | 5, 0][..], &rng.bytes(32)].concat()))
        )
    }]),
    kind("wireguard key", |rng| rng.base64(32)).own(&[
        |rng| format!("[Interface]\nPrivateKey = {}\nAddress = 10.0.0.1/32", secret(rng.base64(32))),
        |rng| format!("[Peer]\nPublicKey = {}\nPresharedKey = {}", rng.base64(32), secret(rng.base64(32))),
        |rng| format!("wg set wg0 private-key <(echo {})", secret(rng.base64(32))),
        |rng| format!("{{\"interface\":{{\"private_key\":\"{}\"}}}}", secret(rng.base64(32))),
    ]),
    kind("vault token", |rng| {
        let (head, low, high) = rng.pick(&[("hvs.", 90, 110), ("hvb.", 138, 200), ("hvs.CAESI", 86, 100)]);
        let length = rng.between(low, high);
        format!("{head}{}", rng.of(BASE64URL, length))
    })
    .names(&["vault token", "bao token", "openbao token"])
    .header("X-Vault-Token")
    .bare()
    .own(&[
        |rng| format!("VAULT_TOKEN=s.{}", secret(rng.alnum(24))),
        |rng| {
            format!(
                "Unseal Key 1: {}\nInitial Root Token: {}",
                secret(rng.base64(33)),
                secret(format!("hvs.{}", rng.alnum(24)))
            )
        },
        |rng| format!("X-Vault-Token: s.{}", secret(rng.alnum(24))),
        |rng| format!("{{\"role_id\":\"{}\",\"secret_id\":\"{}\"}}", rng.uuid(), secret(rng.uuid())),
    ]),
    kind("terraform cloud token", |rng| {
        let n = rng.between(60, 70);
        format!("{}.atlasv1.{}", rng.alnum(14), rng.of(BASE64URL, n))
    })
    .names(&["tfe token", "terraform token", "tf token app terraform io"])
    .bare(),
    kind("doppler, pulumi, 1password, infisical", |rng| match rng.below(5) {
        0 => format!("dp.pt.{}", rng.alnum(43)),
        1 => format!("dp.st.prd.{}", rng.alnum(43)),
        2 => format!("pul-{}", rng.hex(40)),
        3 => format!("ops_eyJ{}", rng.alnum(280)),
        _ => format!("st.{}.{}.{}", rng.hex(24), rng.hex(32), rng.hex(32)),
    })
    .names(&["doppler token", "pulumi access token", "op service account token", "infisical token"])
    .bare(),
    kind("kubernetes service account", |rng| {
        jwt(rng, "\"iss\":\"kubernetes/serviceaccount\",\"sub\":\"system:serviceaccount:default:x\"")
    })
    .names(&["token", "service account token"])
    .bare()
    .own(&[
        |rng| {
            format!(
                "    user:\n      token: {}",
                secret(jwt(rng, "\"iss\":\"kubernetes/serviceaccount\",\"sub\":\"x\""))
            )
        },
        |rng| format!("    client-key-data: {}", secret(rng.base64(800))),
    ]),
    kind("kubernetes bootstrap token", |rng| {
        let set = "abcdefghijklmnopqrstuvwxyz0123456789";
        format!("{}.{}", rng.of(set, 6), rng.of(set, 16))
    })
    .own(&[
        |rng| {
            format!(
                "kubeadm join 10.0.0.1:6443 --token {} --discovery-token-ca-cert-hash sha256:{}",
                secret(bootstrap(rng)),
                rng.hex(64)
            )
        },
        |rng| format!("bootstrapToken: {}", secret(bootstrap(rng))),
        |rng| format!("K3S_TOKEN=K10{}::server:{}", rng.hex(64), secret(rng.hex(32))),
    ]),
    kind("tailscale key", |rng| {
        format!("tskey-{}-k{}CNTRL-{}", rng.pick(&["auth", "api", "client"]), rng.alnum(11), rng.alnum(32))
    })
    .names(&["tailscale auth key", "ts authkey"])
    .bare(),
    kind("cloudflare", |rng| format!("v1.0-{}-{}", rng.hex(24), rng.hex(146)))
        .names(&["origin ca key", "cloudflare key"])
        .bare()
        .own(&[
            |rng| format!("CF_API_TOKEN={}", secret(rng.of(BASE64URL, 40))),
            |rng| format!("X-Auth-Email: a@example.com\nX-Auth-Key: {}", secret(rng.hex(37))),
            |rng| format!("CLOUDFLARE_API_KEY={}", secret(rng.hex(37))),
            |rng| format!("cloudflared tunnel run --token eyJ{}", secret(rng.alnum(160))),
        ]),
    kind("new relic and datadog", |rng| match rng.below(2) {
        0 => format!("NRAK-{}", rng.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 27)),
        _ => format!("{}NRAL", rng.hex(36)),
    })
    .names(&["new relic license key", "new relic api key"])
    .bare()
    .own(&[
        |rng| format!("DD_API_KEY={}\nDD_APP_KEY={}", secret(rng.hex(32)), secret(rng.hex(40))),
        |rng| format!("DD-API-KEY: {}\nDD-APPLICATION-KEY: {}", secret(rng.hex(32)), secret(rng.hex(40))),
        |rng| format!("api_key: {}\nsite: datadoghq.eu", secret(rng.hex(32))),
        |rng| format!("POST https://http-intake.logs.datadoghq.com/v1/input/{}", secret(rng.hex(32))),
    ]),
    kind("grafana token", |rng| match rng.below(3) {
        0 => format!("glsa_{}_{}", rng.alnum(32), rng.hex(8)),
        1 => {
            let inner = format!("{{\"o\":\"1\",\"n\":\"x\",\"k\":\"{}\",\"m\":{{\"r\":\"eu\"}}}}", rng.alnum(24));
            format!("glc_{}", crate::rng::base64(inner))
        }
        _ => {
            let inner = format!("{{\"k\":\"{}\",\"n\":\"x\",\"id\":1}}", rng.alnum(32));
            crate::rng::base64(inner)
        }
    })
    .names(&["grafana token", "grafana api key"])
    .bare(),
    kind("splunk, pagerduty, honeycomb, launchdarkly", |_| String::new()).own(&[
        |rng| format!("SPLUNK_HEC_TOKEN={}", secret(rng.uuid())),
        |rng| format!("PAGERDUTY_TOKEN=u+{}", secret(rng.of(BASE64URL, 18))),
        |rng| format!("x-honeycomb-team: hcaik_{}", secret(rng.alnum(58).to_lowercase())),
        |rng| format!("LD_SDK_KEY=sdk-{}", secret(rng.uuid())),
        |rng| format!("ldclient: starting with sdk-{}", secret(rng.uuid())),
        |rng| format!("{{\"routing_key\":\"{}\",\"event_action\":\"trigger\"}}", secret(rng.hex(32))),
    ]),
    kind("network devices and wifi", |_| String::new()).own(&[
        |rng| format!("network={{\n  ssid=\"x\"\n  psk=\"{}\"\n}}", secret(rng.alnum(14))),
        |rng| format!("snmp-server community {} RO", secret(rng.alnum(12))),
        |rng| format!("enable secret 5 $1${}${}", rng.alnum(4), secret(rng.alnum(22))),
        |rng| format!("radius-server host 10.0.0.1 key {}", secret(rng.alnum(16))),
        |rng| {
            format!(
                "bind_dn = cn=x\nbind_password = {}",
                secret(password(rng).replace([' ', '#', '"', '\'', '\\', ','], "x"))
            )
        },
    ]),
];

fn bootstrap(rng: &mut Rng) -> String {
    let set = "abcdefghijklmnopqrstuvwxyz0123456789";
    format!("{}.{}", rng.of(set, 6), rng.of(set, 16))
}

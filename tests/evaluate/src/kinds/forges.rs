//! Code hosts and package registries.

use super::{Kind, kind};
use crate::case::secret;
use crate::checks::crc32_base62;
use crate::rng::{BASE62, BASE64URL, Rng, base64, base64url};

pub(super) const KINDS: [Kind; 16] = [
    kind("github classic token", |rng| github(rng, "ghp_"))
        .names(&["github token", "gh token", "github pat", "token"])
        .header("Authorization-Token")
        .bare()
        .own(&[
            |rng| format!("Authorization: token {}", secret(github(rng, "ghp_"))),
            |rng| format!("git remote set-url origin https://{}@github.com/o/r.git", secret(github(rng, "ghp_"))),
        ]),
    kind("github app and oauth token", |rng| { let head = rng.pick(&["gho_", "ghu_", "ghs_"]); github(rng, head) })
        .names(&["github token", "installation token", "oauth token"])
        .bare()
        .own(&[
            |rng| format!("fatal: unable to access 'https://x-access-token:{}@github.com/o/r/': The requested URL returned error: 403", secret(github(rng, "ghs_"))),
            |rng| format!("refresh_token=ghr_{}", secret(rng.alnum(76))),
        ]),
    kind("github fine-grained token", |rng| format!("github_pat_{}_{}", rng.alnum(22), rng.alnum(59))).names(&["github token", "github pat", "gh token"]).bare(),
    kind("gitlab token", |rng| format!("glpat-{}", rng.of(BASE64URL, 20))).names(&["gitlab token", "ci job token", "gitlab private token"]).header("PRIVATE-TOKEN").bare(),
    kind("gitlab routable token", routable).names(&["gitlab token", "gitlab pat"]).header("PRIVATE-TOKEN").bare(),
    kind("gitlab other token", |rng| {
        let head = rng.pick(&["gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glsoat-", "glffct-", "glwt-"]);
        if rng.one_in(6) { format!("gloas-{}", rng.hex(64)) } else { let length = rng.between(20, 40); format!("{head}{}", rng.of(BASE64URL, length)) }
    }).names(&["gitlab runner token", "deploy token", "trigger token"]).header("JOB-TOKEN").bare(),
    kind("bitbucket app password", |rng| format!("ATBB{}{:08X}", rng.alnum(24), rng.next() & 0xffff_ffff)).names(&["bitbucket app password", "bitbucket password"]).bare(),
    kind("atlassian token", |rng| {
        let body = format!("ATATT3xFfGF0{}=", rng.of(BASE64URL, 171));
        let sum = crc32fast::hash(body.as_bytes());
        format!("{body}{:08X}", if rng.one_in(4) { sum ^ 1 } else { sum })
    }).names(&["jira api token", "atlassian token", "confluence token"]).bare().own(&[
        |rng| format!("curl -u bot@example.com:{} https://x.atlassian.net/rest/api/3/myself", secret(format!("ATATT3xFfGF0{}={:08X}", rng.of(BASE64URL, 171), rng.next() & 0xffff_ffff))),
    ]),
    kind("npm token", |rng| github(rng, "npm_")).names(&["npm token", "node auth token"]).bare().own(&[
        |rng| format!("//registry.example.test/:_authToken={}", secret(github(rng, "npm_"))),
        |rng| format!("//npm.example.test/:_authToken={}", secret(rng.uuid())),
    ]),
    kind("pypi token", |rng| {
        let head = rng.pick(&["AgEIcHlwaS5vcmc", "AgENdGVzdC5weXBpLm9yZw"]);
        let length = rng.between(120, 180);
        format!("pypi-{head}{}", rng.of(BASE64URL, length))
    }).names(&["pypi token", "twine password", "poetry pypi token pypi"]).bare().own(&[
        |rng| format!("[pypi]\nusername = __token__\npassword = {}", secret(format!("pypi-AgEIcHlwaS5vcmc{}", rng.of(BASE64URL, 150)))),
    ]),
    kind("rubygems key", |rng| format!("rubygems_{}", rng.hex(48))).names(&["gem host api key", "rubygems api key"]).bare(),
    kind("cargo registry token", |rng| format!("cio{}", rng.alnum(32))).names(&["cargo registry token", "crates io token"]).own(&[
        |rng| format!("[registry]\ntoken = \"{}\"", secret(format!("cio{}", rng.alnum(32)))),
        |rng| format!("cargo login {}", secret(format!("cio{}", rng.alnum(32)))),
    ]),
    kind("docker hub token", |rng| if rng.one_in(2) { format!("dckr_pat_{}", rng.of(BASE64URL, 27)) } else { format!("dckr_oat_{}", rng.of(BASE64URL, 32)) })
        .names(&["docker password", "dockerhub token", "docker token"]).bare().own(&[
            |rng| format!("docker login -u deploy -p {}", secret(format!("dckr_pat_{}", rng.of(BASE64URL, 27)))),
        ]),
    kind("docker registry auth", |_| String::new()).own(&[
        |rng| { let auth = basic(rng); format!("{{\"auths\":{{\"registry.example.test\":{{\"auth\":\"{}\"}}}}}}", secret(auth)) },
        |rng| { let auth = basic(rng); format!("{{\n\t\"auths\": {{\n\t\t\"https://index.docker.io/v1/\": {{\n\t\t\t\"auth\": \"{}\"\n\t\t}}\n\t}}\n}}", secret(auth)) },
        |rng| { let auth = basic(rng); format!("  .dockerconfigjson: {}", secret(base64(format!("{{\"auths\":{{\"ghcr.io\":{{\"auth\":\"{auth}\"}}}}}}")))) },
        |rng| format!("_auth={}", secret(basic(rng))),
    ]),
    kind("netrc password", |rng| rng.alnum(16)).own(&[
        |rng| format!("machine git.example.test login deploy password {}", secret(rng.alnum(16))),
        |rng| format!("machine api.example.test\n  login bot\n  password {}", secret(rng.alnum(24))),
    ]),
    kind("git credential in a url", |rng| rng.alnum(20)).own(&[
        |rng| format!("Cloning into 'r'... https://oauth2:{}@git.example.test/g/r.git", secret(rng.alnum(20))),
        |rng| format!("password={}\nusername=bot\nhost=git.example.test\nprotocol=https", secret(rng.alnum(20))),
    ]),
];

/// The last six are a checksum; a quarter have a wrong one, as strings in tests and documents do.
fn github(rng: &mut Rng, head: &str) -> String {
    let body = rng.alnum(30);
    let tail = if rng.one_in(4) { rng.alnum(6) } else { crc32_base62(&body) };
    format!("{head}{body}{tail}")
}

fn routable(rng: &mut Rng) -> String {
    let lines = format!("c:{}\no:{}\np:{}\nu:{}", rng.below(9), rng.below(99), rng.below(9999), rng.below(999_999));
    let payload = base64url([lines.as_bytes(), &rng.bytes(16)].concat());
    let length = radix36(payload.len() as u64, 2);
    let text = format!("glpat-{payload}.01{length}");
    format!("glpat-{payload}.01.{length}{}", radix36(u64::from(crc32fast::hash(text.as_bytes())), 7))
}

fn radix36(mut number: u64, width: usize) -> String {
    let mut digits = Vec::new();
    while digits.len() < width {
        digits.push(BASE62.to_lowercase().as_bytes()[usize::try_from(number % 36).unwrap()]);
        number /= 36;
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

fn basic(rng: &mut Rng) -> String {
    base64(format!("{}:{}", rng.word(), rng.alnum(20)))
}

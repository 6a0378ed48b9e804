//! Passwords and keys of nobody in particular, which only their names tell.

use super::{Kind, kind};
use crate::case::secret;
use crate::rng::{BASE64URL, Rng};

pub(super) const KINDS: [Kind; 8] = [
    kind("password", password)
        .names(&["password", "db password", "passwd", "user password", "admin password", "smtp password", "pwd"])
        .own(&[
            |rng| format!("{{\"user\":\"ann\",\"password\":\"{}\"}}", secret(weak(rng))),
            |rng| format!("login attempt user=ann password={} ip=10.0.0.1", secret(weak(rng))),
            |rng| format!("sshd: debug: password for ann is {}", secret(weak(rng))),
            |rng| format!("Your temporary password is: {}", secret(weak(rng))),
            |rng| format!("chpasswd <<< 'ann:{}'", secret(password(rng).replace('\'', "x"))),
        ]),
    kind("passphrase", |rng| {
        let words: Vec<_> = (0..rng.between(4, 6)).map(|_| rng.word()).collect();
        words.join(" ")
    })
    .own(&[
        |rng| format!("{{\"passphrase\":\"{}\"}}", secret(phrase(rng))),
        |rng| format!("passphrase: \"{}\"", secret(phrase(rng))),
        |rng| format!("KEY_PASSPHRASE='{}'", secret(phrase(rng))),
        |rng| format!("  <passphrase>{}</passphrase>", secret(phrase(rng))),
        |rng| format!("gpg --batch --passphrase '{}' -d x.gpg", secret(phrase(rng))),
        |rng| format!("openssl rsa -in k -passin pass:{}", secret(phrase(rng).replace(' ', "-"))),
        |rng| format!("passphrase=\"{}\" level=debug", secret(phrase(rng))),
    ]),
    kind("secret", |rng| match rng.below(4) {
        0 => rng.alnum(32),
        1 => rng.hex(64),
        2 => rng.base64(32),
        _ => rng.of(BASE64URL, 43),
    })
    .names(&[
        "secret",
        "app secret",
        "signing secret",
        "client secret",
        "shared secret",
        "hmac secret",
        "jwt secret",
        "session secret",
        "webhook secret",
        "secret key base",
    ]),
    kind("token", |rng| match rng.below(4) {
        0 => rng.alnum(24),
        1 => rng.hex(40),
        2 => rng.uuid(),
        _ => rng.of(BASE64URL, 43),
    })
    .names(&[
        "token",
        "auth token",
        "refresh token",
        "bearer token",
        "deploy token",
        "csrf secret token",
        "api token",
        "bot token",
    ]),
    kind("api key", |rng| match rng.below(4) {
        0 => rng.alnum(32),
        1 => rng.hex(32),
        2 => rng.uuid(),
        _ => rng.of(BASE64URL, 40),
    })
    .names(&[
        "api key",
        "apikey",
        "access key",
        "service key",
        "encryption key",
        "master key",
        "private api key",
        "vendor api key",
    ]),
    kind("command line", |_| String::new()).own(&[
        |rng| format!("mysql -h db -u root -p{} trades", secret(rng.alnum(14))),
        |rng| format!("mysqldump --user=root --password={} trades", secret(rng.alnum(14))),
        |rng| format!("curl -u ann:{} https://api.example.com", secret(rng.alnum(14))),
        |rng| format!("sshpass -p '{}' ssh ann@host", secret(rng.alnum(14))),
        |rng| format!("docker login -u ann -p {} reg.example.test", secret(rng.alnum(20))),
        |rng| format!("redis-cli -h cache -a {} ping", secret(rng.alnum(16))),
        |rng| format!("ldapsearch -x -D cn=admin -w {} -b dc=x", secret(rng.alnum(12))),
        |rng| format!("PGPASSWORD={} psql -h db -U app", secret(rng.alnum(12))),
        |rng| format!("USER=root COMMAND=/usr/bin/mysql --password={}", secret(rng.alnum(12))),
        |rng| format!("htpasswd -b -c f ann {}", secret(rng.alnum(12))),
        |rng| format!("vault login -method=userpass username=ann password={}", secret(rng.alnum(14))),
        |rng| format!("echo {} | docker login --password-stdin", secret(rng.alnum(20))),
        |rng| format!("mosquitto_pub -u svc -P {} -t x -m y", secret(rng.alnum(12))),
        |rng| format!("rclone config create r s3 access_key_id=x secret_access_key={}", secret(rng.alnum(40))),
    ]),
    kind("kubernetes and terraform", |_| String::new()).own(&[
        |rng| {
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {}",
                secret(crate::rng::base64(rng.alnum(16)))
            )
        },
        |rng| format!("kind: Secret\nstringData:\n  DB_PASS: {}", secret(rng.alnum(16))),
        |rng| format!("    - name: DB_PASSWORD\n      value: \"{}\"", secret(rng.alnum(16))),
        |rng| format!("{{\"name\":\"API_SECRET\",\"value\":\"{}\"}}", secret(rng.alnum(32))),
        |rng| format!("  + master_password = \"{}\"", secret(rng.alnum(18))),
        |rng| format!("      ~ password = \"{}\" -> \"{}\"", secret(rng.alnum(18)), secret(rng.alnum(18))),
        |rng| format!("helm upgrade x ./x --set postgres.auth.password={}", secret(rng.alnum(18))),
        |rng| format!("ansible: changed: [db] => {{\"mysql_root_password\": \"{}\"}}", secret(rng.alnum(18))),
        |rng| format!("ARG DB_PASSWORD={}", secret(rng.alnum(18))),
        |rng| format!("kubectl create secret generic db --from-literal=password={}", secret(rng.alnum(18))),
        |rng| format!("admin_password = {}  # initial", secret(rng.alnum(18))),
    ]),
    kind("passwords in talk", |_| String::new()).own(&[
        |rng| format!("the password is {}", secret(rng.alnum(12))),
        |rng| format!("hey, pw: {} , dont share", secret(rng.alnum(10))),
        |rng| format!("login ann / password {}", secret(rng.alnum(10))),
        |rng| format!("wifi pass = {}", secret(rng.alnum(12))),
        |rng| format!("I changed your password to {}.", secret(rng.alnum(12))),
        |rng| format!("user ann with password \"{}\" could not log in", secret(rng.alnum(12))),
        |rng| format!("Passwort: {}", secret(rng.alnum(12))),
        |rng| format!("mot de passe : {}", secret(rng.alnum(12))),
        |rng| format!("contraseña: {}", secret(rng.alnum(12))),
        |rng| format!("пароль: {}", secret(rng.alnum(12))),
        |rng| format!("パスワード: {}", secret(rng.alnum(12))),
        |rng| format!("密码：{}", secret(rng.alnum(12))),
    ]),
];

/// From weak to strong, with the letters that break quoting.
pub(super) fn password(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => weak(rng),
        1 => {
            let length = rng.between(10, 24);
            rng.alnum(length)
        }
        2 => {
            let length = rng.between(12, 20);
            rng.of("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!@#%^*-_+=?", length)
        }
        _ => format!(
            "{}{}{}{}",
            rng.alnum(6),
            rng.pick(&["&", "$", "\"", "'", "<", "\\", ",", "/"]),
            rng.alnum(6),
            rng.pick(&["!", "#", "%"])
        ),
    }
}

/// As people choose them.
fn weak(rng: &mut Rng) -> String {
    let word = rng.word();
    let word = format!("{}{}", word[..1].to_uppercase(), &word[1..]);
    match rng.below(3) {
        0 => format!("{word}{}!", rng.between(10, 2026)),
        1 => format!("{word}@{}", rng.between(100, 999)),
        _ => {
            format!("{}{}{}", word.replace('a', "4").replace('e', "3"), rng.pick(&["_", ".", "-"]), rng.between(10, 99))
        }
    }
}

fn phrase(rng: &mut Rng) -> String {
    (0..4).map(|_| rng.word()).collect::<Vec<_>>().join(" ")
}

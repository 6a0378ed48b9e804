//! Containers, clusters, databases, build servers, operating systems.

use super::Family;
use crate::rng::LOWER;

pub(super) const FAMILIES: [Family; 17] = [
    ("containers", |rng| {
        format!(
            "{}   img@sha256:{}   \"/entrypoint\"   Up {} hours\ncontainerd://{} cri-o://{}",
            rng.hex(12),
            rng.hex(64),
            rng.below(48),
            rng.hex(64),
            rng.hex(64)
        )
    }),
    ("pods", |rng| {
        format!(
            "pod/{}-{}-{} Running {} node=ip-10-0-1-{}.internal uid={} image=repo/app:{}",
            rng.word(),
            rng.of("bcdfghjklmnpqrstvwxz2456789", 10),
            rng.of("bcdfghjklmnpqrstvwxz2456789", 5),
            rng.below(9),
            rng.below(255),
            rng.uuid(),
            rng.hex(7)
        )
    }),
    ("kubernetes events", |rng| {
        format!(
            "Warning FailedMount pod/{} MountVolume.SetUp failed for volume \"{}-token\" : secret \"{}-db-credentials\" not found ({})",
            rng.word(),
            rng.word(),
            rng.word(),
            rng.uuid()
        )
    }),
    ("secretKeyRef", |rng| {
        format!(
            "        - name: DB_PASSWORD\n          valueFrom:\n            secretKeyRef:\n              name: {}-db\n              key: password\n        - name: API_KEY_FILE\n          value: /run/secrets/{}_api_key\n      imagePullSecrets:\n        - name: regcred-{}",
            rng.word(),
            rng.word(),
            rng.digits(3)
        )
    }),
    ("terraform plan", |rng| {
        format!(
            "  + password             = (sensitive value)\n  + secret_arn           = (known after apply)\n  + kms_key_id           = \"arn:aws:kms:eu-west-1:{}:key/{}\"\n  + secret_string        = (sensitive value)\n    id                   = \"sg-{}\"",
            rng.digits(12),
            rng.uuid(),
            rng.hex(17)
        )
    }),
    ("masked values", |rng| {
        format!(
            "password=**** token=[REDACTED] api_key=sk-****{} secret=<redacted> PASSWORD=xxxxxxxx client_secret=\"***\" id={}",
            rng.digits(4),
            rng.uuid()
        )
    }),
    ("references to secrets", |rng| {
        format!(
            "password: ${{DB_PASSWORD}}\ntoken: {{{{ vault_token }}}}\napi_key: $API_KEY_{}\nsecret: file:/run/secrets/{}\nclient_secret: env:CLIENT_SECRET\npassword: !vault |\nauth_token: <your-token-here>",
            rng.word().to_uppercase(),
            rng.word()
        )
    }),
    ("fields about secrets", |rng| {
        format!(
            r#"{{"password_policy":"min-12","token_count":{},"max_tokens":{},"api_key_age_days":{},"key_id":"k{}","secret_name":"{}-db","password_changed_at":"{}","has_password":true,"token_type":"bearer","auth_method":"mtls","card_last4":"{}","secret_version":{}}}"#,
            rng.digits(3),
            rng.digits(4),
            rng.below(90),
            rng.hex(8),
            rng.word(),
            rng.time(),
            rng.digits(4),
            rng.below(9)
        )
    }),
    ("postgres", |rng| {
        format!(
            "{} UTC [{}] LOG:  duration: {}.{} ms  statement: SELECT id, password_hash IS NOT NULL, token_id FROM users WHERE id = {} AND status = 'active'",
            rng.time(),
            rng.digits(5),
            rng.below(99),
            rng.digits(3),
            rng.digits(6)
        )
    }),
    ("ddl", |rng| {
        format!(
            "CREATE TABLE {}_{} (\n  id bigint PRIMARY KEY,\n  password varchar(255) NOT NULL,\n  api_key text,\n  token uuid DEFAULT gen_random_uuid(),\n  secret bytea,\n  CONSTRAINT {}_key UNIQUE (token)\n);",
            rng.word(),
            rng.word(),
            rng.word()
        )
    }),
    ("syslog and pam", |rng| {
        format!(
            "Jan {:>2} 10:00:00 host{} sshd[{}]: Accepted publickey for deploy from {} port {} ssh2: ED25519 SHA256:{}\nsu: pam_unix(passwd:chauthtok): password changed for ann\nsudo: ann : TTY=pts/0 ; PWD=/srv/{} ; USER=root ; COMMAND=/bin/ls",
            rng.between(1, 28),
            rng.below(9),
            rng.digits(5),
            rng.address(),
            rng.digits(5),
            rng.alnum(43),
            rng.word()
        )
    }),
    ("kernel and audit", |rng| {
        format!(
            "audit[{}]: SYSCALL arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1={} items=1 key=\"{}\" proctitle={}",
            rng.digits(5),
            rng.hex(12),
            rng.word(),
            rng.hex(40).to_uppercase()
        )
    }),
    ("metrics", |rng| {
        format!(
            "# HELP auth_failures_total failed logins\nhttp_requests_total{{route=\"/v1/token\",code=\"200\"}} {}\nsecret_rotation_age_seconds{{secret=\"{}\"}} {}\nprocess_start_time_seconds 1.7{}e+09",
            rng.digits(6),
            rng.word(),
            rng.digits(5),
            rng.digits(8)
        )
    }),
    ("build logs", |rng| {
        format!(
            "#12 sha256:{} 1.2MB / 3.4MB\n   Compiling {} v1.{}.0\nUploading artifact {} key linux-cargo-{}\nCache restored from key: deps-{}",
            rng.hex(64),
            rng.word(),
            rng.below(20),
            rng.uuid(),
            rng.hex(64),
            rng.hex(40)
        )
    }),
    ("kafka and nats", |rng| {
        format!(
            "[Consumer clientId=consumer-{}-{}, groupId={}] Setting offset for partition {}-{} to {} leaderEpoch={} token={}",
            rng.word(),
            rng.below(9),
            rng.uuid(),
            rng.word(),
            rng.below(32),
            rng.digits(9),
            rng.below(9),
            rng.digits(4)
        )
    }),
    ("cloud resources", |rng| {
        format!(
            "arn:aws:secretsmanager:eu-west-1:{}:secret:prod/{}-{} ami-{} vpc-{} i-{} projects/{}/secrets/{}/versions/{}",
            rng.digits(12),
            rng.word(),
            rng.alnum(6),
            rng.hex(17),
            rng.hex(17),
            rng.hex(17),
            rng.word(),
            rng.word(),
            rng.below(20)
        )
    }),
    ("host names and versions", |rng| {
        format!(
            "{}.{}.svc.cluster.local:5432 {}-{}.rds.example.com v{}.{}.{}-rc.{}+build.{}",
            rng.word(),
            rng.word(),
            rng.of(LOWER, 12),
            rng.hex(12),
            rng.below(9),
            rng.below(30),
            rng.below(30),
            rng.below(9),
            rng.hex(8)
        )
    }),
];

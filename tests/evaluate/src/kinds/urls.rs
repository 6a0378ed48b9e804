//! Passwords inside URLs and connection strings.

use super::{Kind, generic::password, kind};
use crate::case::secret;
use crate::escape::percent;
use crate::rng::Rng;

pub(super) const KINDS: [Kind; 6] = [
    kind("url password", url).names(&["database url", "redis url", "broker url", "dsn", "upstream"]).bare().own(&[
        |rng| format!("psql: error: connection to server at \"db\" failed: {} timeout", url(rng)),
        |rng| format!("celery@host ready, broker {}", url(rng)),
        |rng| format!("curl -x http://proxyuser:{}@proxy.example.test:3128 https://example.com", secret(percent(&password(rng)))),
    ]),
    kind("ado connection string", ado).names(&["connection string", "default connection", "sql connection string"]).bare().own(&[
        |rng| format!("System.Data.SqlClient.SqlException: Login failed ({})", ado(rng)),
        |rng| format!("Driver={{ODBC Driver 18 for SQL Server}};Server=tcp:db,1433;Uid=app;Pwd={};Encrypt=yes;", secret(rng.alnum(18))),
    ]),
    kind("jdbc and libpq", |rng| {
        let (word, pass) = (rng.word(), secret(rng.alnum(16)));
        match rng.below(3) {
            0 => format!("jdbc:postgresql://db:5432/{word}?user=app&password={pass}&ssl=true"),
            1 => format!("jdbc:sqlserver://db:1433;databaseName={word};user=app;password={pass};encrypt=true"),
            _ => format!("host=db port=5432 dbname={word} user=app password={pass} sslmode=require"),
        }
    }).names(&["jdbc url", "conninfo", "spring datasource url"]).bare().own(&[
        |rng| format!("pg_dump: error: could not connect with \"host=db user=app password='{}' dbname=x\"", secret(password(rng).replace(['\'', '\\'], "x"))),
    ]),
    kind("kafka jaas", |_| String::new()).own(&[
        |rng| format!("sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"svc\" password=\"{}\";", secret(rng.alnum(24))),
        |rng| format!("sasl.jaas.config = org.apache.kafka.common.security.scram.ScramLoginModule required username='svc' password='{}' ;", secret(rng.alnum(24))),
        |rng| format!("{{\"sasl.jaas.config\":\"org.apache.kafka.common.security.plain.PlainLoginModule required username=\\\"svc\\\" password=\\\"{}\\\";\"}}", secret(rng.alnum(24))),
        |rng| format!("rdkafka: sasl.username=svc, sasl.password={}", secret(rng.alnum(32))),
    ]),
    kind("pgpass and my.cnf", |_| String::new()).own(&[
        |rng| format!("db.example.test:5432:*:app:{}", secret(rng.alnum(16))),
        |rng| format!("[client]\nuser=app\npassword={}", secret(rng.alnum(16))),
        |rng| format!("CREATE ROLE app LOGIN PASSWORD '{}';", secret(rng.alnum(16))),
        |rng| format!("STATEMENT:  ALTER USER app WITH ENCRYPTED PASSWORD '{}';", secret(rng.alnum(14))),
        |rng| format!("CREATE USER 'app'@'%' IDENTIFIED BY '{}';", secret(rng.alnum(14))),
    ]),
    kind("url user only", |rng| rng.hex(32)).own(&[
        |rng| format!("GET https://{}:x-oauth-basic@git.example.test/o/r", secret(rng.hex(40))),
        |rng| format!("redis://:{}@cache:6379/0", secret(rng.alnum(20))),
    ]),
];

fn url(rng: &mut Rng) -> String {
    let scheme = rng.pick(&[
        "postgres",
        "postgresql",
        "mysql",
        "mongodb",
        "mongodb+srv",
        "redis",
        "rediss",
        "amqp",
        "amqps",
        "nats",
        "clickhouse",
        "ftp",
        "smtp",
        "https",
        "ldap",
        "postgresql+asyncpg",
    ]);
    let user = if scheme.starts_with("redis") { "" } else { rng.word() };
    let pass = if rng.one_in(3) { percent(&password(rng)) } else { rng.alnum(18) };
    format!("{scheme}://{user}:{}@db-{}.example.test:5432/{}", secret(pass), rng.below(9), rng.word())
}

fn ado(rng: &mut Rng) -> String {
    let pass = rng.alnum(16);
    match rng.below(3) {
        0 => format!("Server=db;Database=trades;User Id=app;Password={};TrustServerCertificate=True", secret(pass)),
        1 => format!("Data Source=tcp:db,1433;Initial Catalog=t;User ID=app;Pwd={}", secret(pass)),
        _ => format!("Server=db;Port=3306;Uid=app;Pwd={};SslMode=Required", secret(pass)),
    }
}

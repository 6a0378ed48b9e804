//! Amazon, Google, Microsoft.

use super::{Kind, keys::pem, kind};
use crate::case::secret;
use crate::escape::{json, percent};
use crate::rng::{BASE32, BASE64URL, Rng, base64};

pub(super) const KINDS: [Kind; 19] = [
    kind("aws access key id", key_id).names(&["aws access key id", "access key id", "aws key"]).bare(),
    kind("aws secret access key", aws_secret)
        .names(&["aws secret access key", "secret access key", "aws secret key", "secret key"])
        .own(&[
            |rng| format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\nregion = eu-west-1", key_id(rng), secret(aws_secret(rng))),
            |rng| format!("{{\"Credentials\":{{\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\",\"Expiration\":\"{}\"}}}}", key_id(rng), secret(aws_secret(rng)), rng.time()),
            |rng| format!("s3cmd --access_key={} --secret_key={} ls", key_id(rng), secret(aws_secret(rng))),
            |rng| format!("<SecretAccessKey>{}</SecretAccessKey>", secret(aws_secret(rng))),
        ]),
    kind("aws session token", session).names(&["aws session token", "session token"]).header("X-Amz-Security-Token").bare().own(&[
        |rng| format!("GET /b/k?X-Amz-Date=20260101T000000Z&X-Amz-Security-Token={}&X-Amz-SignedHeaders=host", secret(percent(&session(rng)))),
    ]),
    kind("aws presigned signature", |rng| rng.hex(64)).own(&[
        |rng| format!("https://b.s3.amazonaws.com/k.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x%2F20260101&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature={}", secret(rng.hex(64))),
        |rng| format!("> Authorization: AWS4-HMAC-SHA256 Credential={}/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature={}", key_id(rng), secret(rng.hex(64))),
    ]),
    kind("amazon bedrock key", |rng| {
        let (account, at, rest) = (rng.digits(12), rng.hex(4), rng.base64(84));
        format!("ABSK{}", base64(format!("BedrockAPIKey-{at}-at-{account}:{rest}")))
    }).names(&["aws bearer token bedrock", "bedrock api key"]).bare(),
    kind("google api key", |rng| format!("AIza{}", rng.of(BASE64URL, 35))).names(&["google api key", "gcp api key", "maps key"]).header("X-Goog-Api-Key").bare().own(&[
        |rng| format!("GET /maps/api/geocode/json?address=x&key={}", secret(format!("AIza{}", rng.of(BASE64URL, 35)))),
    ]),
    kind("gemini api key", |rng| format!("AQ.Ab8RN6{}", rng.of(BASE64URL, 44))).names(&["gemini api key", "google genai key"]).bare(),
    kind("google oauth client secret", |rng| format!("GOCSPX-{}", rng.of(BASE64URL, 28))).names(&["client secret", "google client secret"]).bare(),
    kind("google oauth access token", |rng| format!("ya29.{}", { let n = rng.between(60, 220); rng.of(BASE64URL, n) })).names(&["access token", "google token"]).bare().own(&[
        |rng| format!("authorization: Bearer {}", secret(format!("ya29.{}", rng.of(BASE64URL, 180)))),
    ]),
    kind("google oauth refresh token", |rng| format!("1//0{}", { let n = rng.between(60, 100); rng.of(BASE64URL, n) })).names(&["refresh token", "google refresh token"]).bare(),
    kind("google service account", |_| String::new()).own(&[
        service_account,
        |rng| format!("GOOGLE_CREDENTIALS='{}'", service_account(rng).replace("\n  ", " ").replace('\n', "")),
        |rng| format!(r#"{{"textPayload":"{}"}}"#, json(&service_account(rng))),
    ]),
    kind("azure storage key", |rng| rng.base64(64)).names(&["account key", "azure storage account key", "azure storage key", "storage key"]).own(&[
        |rng| format!("DefaultEndpointsProtocol=https;AccountName=trades;AccountKey={};EndpointSuffix=core.windows.net", secret(rng.base64(64))),
        |rng| format!("AZURE_STORAGE_CONNECTION_STRING=\"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=core.windows.net\"", secret(rng.base64(64))),
    ]),
    kind("azure service bus key", |rng| rng.base64(32)).names(&["shared access key", "service bus key"]).own(&[
        |rng| format!("Endpoint=sb://trades.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={}", secret(rng.base64(32))),
        |rng| format!("{{\"ConnectionString\":\"HostName=h.azure-devices.net;DeviceId=d1;SharedAccessKey={}\"}}", secret(rng.base64(32))),
    ]),
    kind("azure sas", |rng| rng.base64(32)).own(&[
        |rng| format!("PUT https://a.blob.core.windows.net/c/f.csv?sv=2024-11-04&ss=b&srt=co&sp=rwl&se=2026-12-31T00:00:00Z&spr=https&sig={}", secret(percent(&rng.base64(32)))),
        |rng| format!("SAS_URL=\"https://a.blob.core.windows.net/c?sp=r&st=2026-01-01T00:00:00Z&se=2026-02-01T00:00:00Z&sv=2024-11-04&sr=c&sig={}\"", secret(percent(&rng.base64(32)))),
        |rng| format!("SharedAccessSignature sr=h.servicebus.windows.net&sig={}&se=1790000000&skn=Root", secret(percent(&rng.base64(32)))),
    ]),
    kind("entra client secret", |rng| {
        let (head, digit, tail) = (rng.alnum(3), rng.pick(&["7", "8"]), { let n = rng.between(31, 34); rng.of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~.", n) });
        format!("{head}{digit}Q~{tail}")
    }).names(&["azure client secret", "client secret", "app secret"]).bare(),
    kind("azure devops token", |rng| {
        if rng.one_in(2) { rng.of("abcdefghijklmnopqrstuvwxyz234567", 52) } else { format!("{}AZDO{}", rng.alnum(76), rng.alnum(4)) }
    }).names(&["azure devops pat", "vsts token", "system access token"]).own(&[
        |rng| format!("AZDO_PERSONAL_ACCESS_TOKEN={}", secret(rng.of("abcdefghijklmnopqrstuvwxyz234567", 52))),
        |rng| format!("git clone https://x:{}@dev.azure.com/org/p/_git/r", secret(format!("{}AZDO{}", rng.alnum(76), rng.alnum(4)))),
        |rng| format!("uploaded with {}", secret(format!("{}AZDO{}", rng.alnum(76), rng.alnum(4)))),
    ]),
    kind("microsoft annotated key", |rng| {
        let mark = rng.pick(&["AAAA", "ACDb", "APIM", "AZFu", "AZEG"]);
        format!("{}JQQJ99{}{}{mark}{}", rng.alnum(52), rng.alnum(10), rng.alnum(8), rng.alnum(4))
    }).names(&["subscription key", "azure openai api key", "function key"]).header("Ocp-Apim-Subscription-Key").bare(),
    kind("azure openai key", |rng| rng.hex(32)).names(&["azure openai api key", "azure openai key", "cognitive services key"]).header("api-key"),
    kind("alibaba access key", |rng| format!("LTAI5t{}", rng.alnum(18))).own(&[
        |rng| format!("ALIBABA_CLOUD_ACCESS_KEY_ID=LTAI5t{}\nALIBABA_CLOUD_ACCESS_KEY_SECRET={}", rng.alnum(18), secret(rng.alnum(30))),
        |rng| format!("{{\"accessKeyId\":\"LTAI5t{}\",\"accessKeySecret\":\"{}\"}}", rng.alnum(18), secret(rng.alnum(30))),
    ]),
];

fn key_id(rng: &mut Rng) -> String {
    format!("{}{}", rng.pick(&["AKIA", "ASIA", "AKIA", "ABIA", "ACCA"]), rng.of(BASE32, 16))
}

fn aws_secret(rng: &mut Rng) -> String {
    rng.base64(30)
}

fn session(rng: &mut Rng) -> String {
    let head = rng.pick(&["IQoJb3JpZ2lu", "FwoGZXIvYXdz"]);
    let length = rng.between(150, 500);
    format!("{head}{}", rng.base64(length))
}

fn service_account(rng: &mut Rng) -> String {
    let id = rng.hex(40);
    let (project, number) = (rng.word(), rng.digits(21));
    format!(
        "{{\n  \"type\": \"service_account\",\n  \"project_id\": \"{project}\",\n  \"private_key_id\": \"{id}\",\n  \"private_key\": \"{}\\n\",\n  \"client_email\": \"x@{project}.iam.gserviceaccount.com\",\n  \"client_id\": \"{number}\"\n}}",
        json(&pem(rng, "PRIVATE KEY", 1200)),
    )
}

//! What people and programs say about secrets without saying one.

use super::Family;

pub(super) const FAMILIES: [Family; 6] = [
    ("documents", |rng| {
        format!(
            "The password must have at least {} characters and is stored as an Argon2 hash. Tokens expire after {} minutes; refresh tokens after {} days. Never put an API key into a URL: use the {} header. The secret is read from the environment.",
            rng.between(8, 16),
            rng.below(60),
            rng.below(90),
            rng.word()
        )
    }),
    ("audit talk", |rng| {
        format!(
            "{} INFO password reset requested for user {} from {}; token issued, token expired: false; secret rotation due in {} days; api key {} revoked",
            rng.time(),
            rng.digits(6),
            rng.address(),
            rng.below(90),
            rng.hex(8)
        )
    }),
    ("login outcomes", |rng| {
        format!(
            "login failed: invalid password for {} (attempt {})\nauthentication token is missing or expired\ninvalid api key or secret\nwrong passphrase for key {}",
            rng.word(),
            rng.below(9),
            rng.hex(8)
        )
    }),
    ("help texts", |rng| {
        format!(
            "  -p, --password <PASSWORD>    password of the user [env: {}_PASSWORD=]\n  --token TOKEN                bearer token (default: none)\n  --secret-file PATH           file with the secret\n  --api-key string             API key",
            rng.word().to_uppercase()
        )
    }),
    ("markdown tables", |rng| {
        format!(
            "| `password` | string | yes | the password of {} |\n| `token` | string | no | see [tokens](#tokens) |\n| `api_key` | string | `YOUR_API_KEY` | |\n| secret | {} | bytes |",
            rng.word(),
            rng.below(64)
        )
    }),
    ("commands with placeholders", |rng| {
        format!(
            "curl -u user:password https://api.example.com/{}\nexport API_KEY=your_api_key_here\nmysql -u root -p\nlogin --password-stdin < {}.txt\nkubectl get secret {} -o jsonpath='{{.data.password}}'\nAuthorization: Bearer <token>",
            rng.word(),
            rng.word(),
            rng.word()
        )
    }),
];

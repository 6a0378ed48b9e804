//! Code that handles secrets and holds none, and what it prints when it breaks.

use super::Family;

pub(super) const FAMILIES: [Family; 9] = [
    ("python", |rng| {
        format!(
            "def login(user, password=None, token: str = \"\"):\n    password = os.environ[\"{0}_PASSWORD\"]\n    api_key = config.get(\"{1}\", {{}}).get('api_key')\n    secret = getpass.getpass('Secret: ')\n    if not check_password(password, user.password_hash):\n        raise AuthError(\"bad password for %s\" % user)\n    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()",
            rng.word().to_uppercase(),
            rng.word()
        )
    }),
    ("rust", |rng| {
        format!(
            "    let token = self.tokens.get(&{0}_id).ok_or(Error::NoToken)?;\n    let password: Zeroizing<String> = read_password(\"{0} password: \")?;\n    pub api_key: Option<SecretString>,\n    secret = Secret::from_env(\"{1}_SECRET\")?;\n    assert_eq!(token.kind(), TokenKind::Bearer);",
            rng.word(),
            rng.word().to_uppercase()
        )
    }),
    ("go", |rng| {
        format!(
            "\tpassword := os.Getenv(\"{}_PASSWORD\")\n\tif token == \"\" {{\n\t\treturn fmt.Errorf(\"missing token: %w\", ErrToken)\n\t}}\n\treq.Header.Set(\"Authorization\", \"Bearer \"+token)\n\tsecretKey = cfg.SecretKey // from {}\n\tclient.APIKey = apiKey",
            rng.word().to_uppercase(),
            rng.word()
        )
    }),
    ("javascript", |rng| {
        format!(
            "const {{ password, token }} = req.body;\nconst secret = process.env.{}_SECRET || '';\nif (password !== confirmPassword) throw new Error('passwords differ');\nheaders['X-Api-Key'] = apiKey;\nlocalStorage.removeItem('token:{}');\nconst accessToken = await getAccessToken(user.id);",
            rng.word().to_uppercase(),
            rng.word()
        )
    }),
    ("java", |rng| {
        format!(
            "    private final String password;\n    this.token = tokenProvider.getToken(\"{}\");\n    String secretKey = System.getenv(\"{}_KEY\");\n    @Value(\"${{app.api-key}}\") private String apiKey;\n    passwordEncoder.matches(rawPassword, user.getPassword());",
            rng.word(),
            rng.word().to_uppercase()
        )
    }),
    ("stack traces", |rng| {
        format!(
            "Exception in thread \"worker-{}\" java.lang.IllegalStateException: no credentials for {}\n\tat com.example.auth.TokenProvider.getToken(TokenProvider.java:{})\n\tat com.example.PasswordService$$Lambda/0x00007f{}.apply(Unknown Source)\nCaused by: javax.security.auth.login.LoginException: password required",
            rng.below(16),
            rng.word(),
            rng.below(900),
            rng.hex(10)
        )
    }),
    ("python traces", |rng| {
        format!(
            "Traceback (most recent call last):\n  File \"/srv/app/{0}/auth.py\", line {1}, in get_token\n    token = self._session.post(url, auth=(self.user, self.password))\nKeyError: 'api_key'\n<{0}.Client object at 0x7f{2}>",
            rng.word(),
            rng.below(900),
            rng.hex(10)
        )
    }),
    ("panics", |rng| {
        format!(
            "thread 'main' panicked at src/{}.rs:{}:5:\ncalled `Option::unwrap()` on a `None` value: missing secret\nstack backtrace:\n   0: 0x55{} - std::backtrace_rs::h{}",
            rng.word(),
            rng.below(900),
            rng.hex(10),
            rng.hex(16)
        )
    }),
    ("config without values", |rng| {
        format!(
            "password:\ntoken: null\napi_key: \"\"\nsecret: ~\n{}_password: ''\nrequire_password: true\npassword_min_length: 12\ntoken_ttl: 3600s\nauth: none\nsecrets: []\ncredentials: {{}}",
            rng.word()
        )
    }),
];

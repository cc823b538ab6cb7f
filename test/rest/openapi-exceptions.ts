// The rules of Spectral's `oas` and OWASP rulesets that the OpenAPI document does not follow, each
// with the reason. A rule that is followed by now may not stay here: a test says so.
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  "info-contact": "Whom to ask is the operator's to say; the model knows no address.",
  "license-url": "OpenAPI 3.1 allows a licence its identifier or its url, not both.",
  "owasp:api4:2023-rate-limit":
    "The server counts no requests, so it sends no such headers: a proxy in front of it does.",
  "owasp:api4:2023-rate-limit-responses-429":
    "The server never answers 429. Overload is 503 with Retry-After, which is announced.",
  "owasp:api4:2023-string-restricted":
    "Messages of errors are sentences for people and may repeat what was sent, whatever it was.",
  "owasp:api8:2023-define-cors-origin":
    "Pages may not call the API unless CORS_ORIGINS names their origin; without it there is none.",
};

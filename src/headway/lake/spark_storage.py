"""How Spark reaches the store that the lake is in: the lake's own options, said in Hadoop's words.

Only reading is told; the lake is never written by way of Spark.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

_S3: Final = {
    "access_key_id": "fs.s3a.access.key",
    "secret_access_key": "fs.s3a.secret.key",
    "session_token": "fs.s3a.session.token",
    "token": "fs.s3a.session.token",
    "endpoint": "fs.s3a.endpoint",
    "endpoint_url": "fs.s3a.endpoint",
    "region": "fs.s3a.endpoint.region",
    "default_region": "fs.s3a.endpoint.region",
}

_GCS_KEY_FILES: Final = (
    "service_account",
    "service_account_path",
    "application_credentials",
)

_AZURE_SCHEMES: Final = {"az", "azure", "adl", "abfs", "abfss"}
_AZURE_HOST: Final = "dfs.core.windows.net"

TRUE: Final = {"1", "true", "yes", "on"}


def spark_uri(root: str, options: Mapping[str, str]) -> str:
    """The lake's root as Spark writes it: `s3a://` for `s3://`, `abfss://` for Azure's other names; else as it is."""
    parts = urlsplit(root)
    if parts.scheme == "s3":
        return "s3a" + root.removeprefix("s3")
    if parts.scheme in _AZURE_SCHEMES and "@" not in parts.netloc:
        account = _plain(options, "azure_").get("account_name") or _plain(options, "azure_storage_").get("account_name")
        if account:
            return f"abfss://{parts.netloc}@{account}.{_AZURE_HOST}{parts.path}"
    return root


def hadoop_options(root: str, options: Mapping[str, str]) -> dict[str, str]:
    """The lake's storage options as Hadoop's, for the file system of `root`; what Hadoop has no word for is left out.

    The names are those of Delta Lake's stores (`AWS_ACCESS_KEY_ID`, `aws_region`, `google_service_account`,
    `azure_storage_account_key` and their short forms), in either case. Hadoop's are those of the manuals of
    `hadoop-aws`, the Google Cloud Storage connector and `hadoop-azure`.
    """
    scheme = urlsplit(root).scheme
    if scheme in {"s3", "s3a"}:
        return _s3(_plain(options, "aws_"))
    if scheme == "gs":
        return _gcs(_plain(options, "google_"))
    if scheme in _AZURE_SCHEMES:
        return _azure(root, options)
    return {}


def _plain(options: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.lower().removeprefix(prefix): value for name, value in options.items()}


def _s3(options: Mapping[str, str]) -> dict[str, str]:
    told = {_S3[name]: value for name, value in options.items() if name in _S3}
    if "fs.s3a.session.token" in told:
        told["fs.s3a.aws.credentials.provider"] = "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider"
    if options.get("allow_http", "").lower() in TRUE:
        told["fs.s3a.connection.ssl.enabled"] = "false"
    if "fs.s3a.endpoint" in told:
        virtual = options.get("virtual_hosted_style_request", "").lower() in TRUE
        told["fs.s3a.path.style.access"] = str(not virtual).lower()
    if options.get("skip_signature", "").lower() in TRUE:
        told["fs.s3a.aws.credentials.provider"] = "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider"
    return told


def _gcs(options: Mapping[str, str]) -> dict[str, str]:
    if options.get("skip_signature", "").lower() in TRUE:
        return {"fs.gs.auth.type": "UNAUTHENTICATED"}
    for name in _GCS_KEY_FILES:
        if name in options:
            return {
                "fs.gs.auth.type": "SERVICE_ACCOUNT_JSON_KEYFILE",
                "fs.gs.auth.service.account.json.keyfile": options[name],
            }
    return {}


def _azure(root: str, options: Mapping[str, str]) -> dict[str, str]:
    known = _plain({name.lower().removeprefix("azure_"): value for name, value in options.items()}, "storage_")
    host = urlsplit(spark_uri(root, options)).netloc.rpartition("@")[2]
    key = known.get("account_key") or known.get("access_key") or known.get("master_key")
    if key:
        return {f"fs.azure.account.key.{host}": key}
    sas = known.get("sas_token") or known.get("sas_key")
    if sas:
        return {f"fs.azure.account.auth.type.{host}": "SAS", f"fs.azure.sas.fixed.token.{host}": sas.lstrip("?")}
    tenant = known.get("tenant_id") or known.get("authority_id")
    if tenant and "client_id" in known and "client_secret" in known:
        return {
            f"fs.azure.account.auth.type.{host}": "OAuth",
            f"fs.azure.account.oauth.provider.type.{host}": (
                "org.apache.hadoop.fs.azurebfs.oauth2.ClientCredsTokenProvider"
            ),
            f"fs.azure.account.oauth2.client.id.{host}": known["client_id"],
            f"fs.azure.account.oauth2.client.secret.{host}": known["client_secret"],
            f"fs.azure.account.oauth2.client.endpoint.{host}": (
                f"https://login.microsoftonline.com/{tenant}/oauth2/token"
            ),
        }
    return {}

"""How the options of a lake's store are said to Spark. Nothing here needs Spark."""

import pytest

from headway.lake.spark_storage import hadoop_options, spark_uri

ACCOUNT = "acme.dfs.core.windows.net"


@pytest.mark.parametrize(
    ("root", "options", "wanted"),
    [
        ("/data/lake", {}, "/data/lake"),
        ("file:///data/lake", {}, "file:///data/lake"),
        ("s3://bucket/lake", {}, "s3a://bucket/lake"),
        ("s3a://bucket/lake", {}, "s3a://bucket/lake"),
        ("gs://bucket/lake", {}, "gs://bucket/lake"),
        ("az://box/lake", {"AZURE_STORAGE_ACCOUNT_NAME": "acme"}, f"abfss://box@{ACCOUNT}/lake"),
        ("abfs://box/lake", {"account_name": "acme"}, f"abfss://box@{ACCOUNT}/lake"),
        (f"abfss://box@{ACCOUNT}/lake", {}, f"abfss://box@{ACCOUNT}/lake"),
    ],
)
def test_the_root_is_named_as_spark_names_it(root: str, options: dict[str, str], wanted: str) -> None:
    assert spark_uri(root, options) == wanted


def test_keys_of_s3_in_either_case() -> None:
    wanted = {
        "fs.s3a.access.key": "A",
        "fs.s3a.secret.key": "B",
        "fs.s3a.session.token": "C",
        "fs.s3a.endpoint.region": "eu-west-1",
        "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider",
    }
    long = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B", "AWS_SESSION_TOKEN": "C", "AWS_REGION": "eu-west-1"}
    short = {"access_key_id": "A", "secret_access_key": "B", "token": "C", "region": "eu-west-1"}
    assert hadoop_options("s3://bucket/lake", long) == wanted
    assert hadoop_options("s3a://bucket/lake", short) == wanted


def test_a_store_of_ones_own_is_asked_by_path_and_without_tls_where_that_is_allowed() -> None:
    own = {"AWS_ENDPOINT_URL": "http://minio:9000", "AWS_ALLOW_HTTP": "true"}
    assert hadoop_options("s3://bucket/lake", own) == {
        "fs.s3a.endpoint": "http://minio:9000",
        "fs.s3a.connection.ssl.enabled": "false",
        "fs.s3a.path.style.access": "true",
    }
    virtual = hadoop_options("s3://b/lake", own | {"aws_virtual_hosted_style_request": "true"})
    assert virtual["fs.s3a.path.style.access"] == "false"


def test_a_key_file_of_google() -> None:
    for name in ("GOOGLE_SERVICE_ACCOUNT", "google_application_credentials", "service_account_path"):
        assert hadoop_options("gs://bucket/lake", {name: "/key.json"}) == {
            "fs.gs.auth.type": "SERVICE_ACCOUNT_JSON_KEYFILE",
            "fs.gs.auth.service.account.json.keyfile": "/key.json",
        }


def test_keys_of_azure_belong_to_its_account() -> None:
    root, name = "az://box/lake", {"azure_storage_account_name": "acme"}
    assert hadoop_options(root, name | {"AZURE_STORAGE_ACCOUNT_KEY": "K"}) == {f"fs.azure.account.key.{ACCOUNT}": "K"}
    sas = hadoop_options(root, name | {"azure_storage_sas_token": "?sv=1"})
    assert sas == {f"fs.azure.account.auth.type.{ACCOUNT}": "SAS", f"fs.azure.sas.fixed.token.{ACCOUNT}": "sv=1"}
    told = {"azure_client_id": "I", "azure_client_secret": "S", "azure_tenant_id": "T"}
    client = hadoop_options(f"abfss://box@{ACCOUNT}/lake", told)
    assert client[f"fs.azure.account.oauth2.client.secret.{ACCOUNT}"] == "S"
    assert client[f"fs.azure.account.oauth2.client.endpoint.{ACCOUNT}"].endswith("/T/oauth2/token")


@pytest.mark.parametrize("root", ["/data/lake", "file:///data/lake", "hdfs://name/lake"])
def test_other_stores_are_told_nothing(root: str) -> None:
    assert hadoop_options(root, {"AWS_ACCESS_KEY_ID": "A"}) == {}


def test_what_has_no_word_there_is_left_out() -> None:
    assert hadoop_options("s3://bucket/lake", {"AWS_S3_ALLOW_UNSAFE_RENAME": "true"}) == {}
    assert hadoop_options("az://box/lake", {"account_name": "acme"}) == {}

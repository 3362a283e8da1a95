"""Sessions in an account, opened as the program's provider does: with a profile, or an assumed role."""

from typing import Any


def opened(region: str, profile: str | None = None) -> Any:
    """A session. Raises ImportError without boto3 and `ProfileNotFound` of botocore."""
    import boto3

    return boto3.Session(region_name=region, profile_name=profile)


def assumed(session: Any, role: str, caller: str, config: Any = None) -> Any:
    """A session with a role that the session's credentials assume. `caller`: the name in the account's audit log."""
    import boto3

    taken = session.client("sts", config=config).assume_role(RoleArn=role, RoleSessionName=caller)["Credentials"]
    return boto3.Session(
        region_name=session.region_name,
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
    )


def credentials(profile: str | None = None) -> Any:
    """Alibaba Cloud's: of an aliyun CLI profile of any mode, or those that the SDK finds."""
    from alibabacloud_credentials.client import Client
    from alibabacloud_credentials.provider import CLIProfileCredentialsProvider

    return Client(provider=CLIProfileCredentialsProvider(profile_name=profile)) if profile else Client()

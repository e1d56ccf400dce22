"""What the set-up of an SES account asks: configuration sets, their event destinations, identities."""

from typing import Any
from urllib.parse import unquote

from app.simulator.address import find_domain
from app.simulator.envelope import Params
from app.simulator.errors import Refusal, Refused, configuration_set_missing
from app.simulator.settings import LiveSettings
from app.simulator.validation import check_request

Answer = dict[str, Any]


class SetUp:
    """The part of an account that is set up once. Its events go to the simulator's one topic all the same."""

    def __init__(self, live: LiveSettings) -> None:
        """Start with the configuration sets of the settings."""
        self._live = live
        self._sets: dict[str, Answer] = {}
        self._destinations: dict[str, dict[str, Answer]] = {}
        self.clear()

    def clear(self) -> None:
        """Forget what was set up."""
        self._sets = {name: _describe_set(name, {}) for name in self._live.current.sending.configuration_sets}
        self._destinations = {name: {} for name in self._sets}

    def create_configuration_set(self, params: Params) -> Answer:
        """Answer CreateConfigurationSet."""
        check_request("CreateConfigurationSet", params)
        name = params["ConfigurationSetName"]
        if name in self._sets:
            raise Refused(Refusal(400, "AlreadyExistsException", f"Configuration set <{name}> exists."))
        self._sets[name] = _describe_set(name, params)
        self._destinations[name] = {}
        return {}

    def get_configuration_set(self, params: Params) -> Answer:
        """Answer GetConfigurationSet."""
        return self._find_set(params)

    def put_sending_options(self, params: Params) -> Answer:
        """Answer PutConfigurationSetSendingOptions."""
        self._find_set(params)["SendingOptions"] = {"SendingEnabled": params["SendingEnabled"]}
        return {}

    def create_destination(self, params: Params) -> Answer:
        """Answer CreateConfigurationSetEventDestination."""
        check_request("CreateConfigurationSetEventDestination", params)
        self._find_set(params)
        destinations = self._destinations[params["ConfigurationSetName"]]
        name = params["EventDestinationName"]
        if name in destinations:
            raise Refused(Refusal(400, "AlreadyExistsException", f"Event destination <{name}> exists."))
        destinations[name] = {"Name": name, **params["EventDestination"]}
        return {}

    def update_destination(self, params: Params) -> Answer:
        """Answer UpdateConfigurationSetEventDestination."""
        check_request("UpdateConfigurationSetEventDestination", params)
        self._find_set(params)
        destinations = self._destinations[params["ConfigurationSetName"]]
        name = params["EventDestinationName"]
        if name not in destinations:
            raise Refused(Refusal(404, "NotFoundException", f"Event destination <{name}> does not exist."))
        destinations[name] = {"Name": name, **params["EventDestination"]}
        return {}

    def get_destinations(self, params: Params) -> Answer:
        """Answer GetConfigurationSetEventDestinations."""
        self._find_set(params)
        return {"EventDestinations": list(self._destinations[params["ConfigurationSetName"]].values())}

    def get_identity(self, params: Params) -> Answer:
        """Answer GetEmailIdentity: every domain is one, but for those the settings leave out."""
        identity = unquote(params["EmailIdentity"])
        sending = self._live.current.sending
        is_address = "@" in identity
        domain = find_domain(identity) if is_address else identity
        if domain in sending.absent_domains:
            raise Refused(Refusal(404, "NotFoundException", f"Email identity {identity} does not exist."))
        verified = domain not in sending.unverified_domains
        state = "SUCCESS" if verified else "PENDING"
        return {
            "IdentityType": "EMAIL_ADDRESS" if is_address else "DOMAIN",
            "VerifiedForSendingStatus": verified,
            "VerificationStatus": state,
            "DkimAttributes": {"SigningEnabled": True, "Status": state},
            "MailFromAttributes": {
                "MailFromDomain": f"bounce.{domain}",
                "MailFromDomainStatus": state,
                "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
            },
        }

    def _find_set(self, params: Params) -> Answer:
        name = params["ConfigurationSetName"]
        if name not in self._sets:
            raise Refused(configuration_set_missing(name))
        return self._sets[name]


def _describe_set(name: str, params: Params) -> Answer:
    return {
        "ConfigurationSetName": name,
        "SendingOptions": params.get("SendingOptions", {"SendingEnabled": True}),
        "ReputationOptions": params.get("ReputationOptions", {"ReputationMetricsEnabled": False}),
    }

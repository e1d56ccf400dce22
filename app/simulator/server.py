"""The simulator as a server: the routes on one port, and `run` for the command line."""

import errno
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from app.simulator.connection import CuttableProtocol
from app.simulator.control import Control
from app.simulator.envelope import Params
from app.simulator.ses import Answer
from app.simulator.settings import SimulatorSettings
from app.simulator.setup import SetUp
from app.simulator.simulation import Simulation
from app.simulator.wire import SesWire, SnsWire


def create_app(settings: SimulatorSettings) -> Starlette:
    """Return the application; its lifespan runs the world. Serve it with `create_server`."""
    simulation = Simulation(settings)
    ses = SesWire(simulation.ses, simulation.faults)
    sns = SnsWire(simulation.topic, simulation.certificate.path.read_bytes())

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with simulation.running():
            yield

    routes = [
        Route("/v2/email/outbound-bulk-emails", ses.send_bulk_email, methods=["POST"]),
        Route("/v2/email/outbound-emails", ses.send_email, methods=["POST"]),
        Route("/v2/email/account", ses.get_account, methods=["GET"]),
        *_list_setup_routes(ses, simulation.setup),
        Route("/", sns.act, methods=["GET"]),
        Route(f"/{simulation.certificate.file_name}", sns.get_certificate, methods=["GET"]),
        *Control(simulation).list_routes(),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _list_setup_routes(ses: SesWire, setup: SetUp) -> list[Route]:
    sets = "/v2/email/configuration-sets"
    one = f"{sets}/{{ConfigurationSetName}}"
    operations: list[tuple[str, str, str, Callable[[Params], Answer]]] = [
        ("POST", sets, "CreateConfigurationSet", setup.create_configuration_set),
        ("GET", one, "GetConfigurationSet", setup.get_configuration_set),
        ("PUT", f"{one}/sending", "PutConfigurationSetSendingOptions", setup.put_sending_options),
        ("GET", f"{one}/event-destinations", "GetConfigurationSetEventDestinations", setup.get_destinations),
        (
            "POST",
            f"{one}/event-destinations",
            "CreateConfigurationSetEventDestination",
            setup.create_destination,
        ),
        (
            "PUT",
            f"{one}/event-destinations/{{EventDestinationName}}",
            "UpdateConfigurationSetEventDestination",
            setup.update_destination,
        ),
        ("GET", "/v2/email/identities/{EmailIdentity}", "GetEmailIdentity", setup.get_identity),
    ]
    return [
        Route(path, ses.set_up(operation, perform), methods=[method])
        for method, path, operation, perform in operations
    ]


def create_server(settings: SimulatorSettings) -> uvicorn.Server:
    """Return a uvicorn server whose connections the faults can cut."""
    config = uvicorn.Config(
        create_app(settings),
        http=CuttableProtocol,
        loop="uvloop",
        lifespan="on",
        log_level="warning",
        access_log=False,
        # SES keeps idle connections for longer than botocore's pool does.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def bind(settings: SimulatorSettings) -> socket.socket:
    """Return the listening socket (port 0: any free one); exits with one clear line when it cannot be had."""
    try:
        return socket.create_server((settings.host, settings.port), backlog=2048)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        message = f"Cannot listen on {place}: {error.strerror}."
        if error.errno == errno.EADDRINUSE:
            message = f"{place} is already in use: choose another port with --port."
        raise SystemExit(message) from None


def run(settings: SimulatorSettings) -> None:
    """Serve until SIGINT or SIGTERM; exits with one line and status 1 when the port is taken."""
    with bind(settings) as listener:
        server = create_server(settings)
        host, port = listener.getsockname()[:2]
        certificate = next(settings.certificate_dir.glob("SimpleNotificationService-*.pem"))
        sys.stdout.write(f"SES and SNS simulator on http://{host}:{port}, certificate {certificate}\n")
        sys.stdout.flush()
        server.run(sockets=[listener])

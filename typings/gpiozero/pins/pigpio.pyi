import pigpio
from gpiozero.pins.pi import PiFactory

class PiGPIOPin: ...

class PiGPIOFactory(PiFactory):
    pin_class: type[PiGPIOPin]
    _connection: pigpio.pi | None
    _host: str
    _port: int
    _spis: list[object]

package iothub

import "github.com/flotilla-sim/flotilla/sim/doc"

// The words of a device. [Azure IoT Hub device management preview: device]
const (
	StatusEnabled  = "enabled"
	StatusDisabled = "disabled"

	Connected    = "Connected"
	Disconnected = "Disconnected"
)

// Device is a device of the registry: with everything in an answer, with what
// is to be set in a request.
type Device struct {
	DeviceID                   string                    `json:"deviceId"`
	GenerationID               string                    `json:"generationId,omitempty"`
	ETag                       string                    `json:"etag,omitempty"`
	ConnectionState            string                    `json:"connectionState,omitempty"`
	Status                     string                    `json:"status,omitempty"`
	StatusReason               string                    `json:"statusReason,omitempty"`
	ConnectionStateUpdatedTime *Time                     `json:"connectionStateUpdatedTime,omitempty"`
	StatusUpdatedTime          *Time                     `json:"statusUpdatedTime,omitempty"`
	LastActivityTime           *Time                     `json:"lastActivityTime,omitempty"`
	CloudToDeviceMessageCount  *int                      `json:"cloudToDeviceMessageCount,omitempty"`
	Authentication             *Authentication           `json:"authentication,omitempty"`
	IsManaged                  *bool                     `json:"isManaged,omitempty"`
	Configuration              *string                   `json:"configuration,omitempty"` // the last that a job sent to it
	DeviceProperties           map[string]DeviceProperty `json:"deviceProperties,omitempty"`
	ServiceProperties          *ServiceProperties        `json:"serviceProperties,omitempty"`
}

// Authentication is how a device proves who it is: by keys or by
// certificates.
type Authentication struct {
	SymmetricKey   *SymmetricKey   `json:"symmetricKey,omitempty"`
	X509Thumbprint *X509Thumbprint `json:"x509Thumbprint,omitempty"`
}

// SymmetricKey is a device's two keys, 16 to 64 bytes each in base64.
type SymmetricKey struct {
	PrimaryKey   string `json:"primaryKey,omitempty"`
	SecondaryKey string `json:"secondaryKey,omitempty"`
}

// X509Thumbprint is the hashes of a device's two certificates, 40 hexadecimal
// digits each.
type X509Thumbprint struct {
	PrimaryThumbprint   string `json:"primaryThumbprint,omitempty"`
	SecondaryThumbprint string `json:"secondaryThumbprint,omitempty"`
}

// DeviceProperty is what the hub last heard of one of a device's properties,
// and when.
type DeviceProperty struct {
	Value           doc.Value `json:"value"`
	LastUpdatedTime *Time     `json:"lastUpdatedTime,omitempty"`
}

// ServiceProperties is what the service alone keeps of a device.
type ServiceProperties struct {
	ETag       string    `json:"etag,omitempty"`
	Properties doc.Value `json:"properties,omitzero"` // an object
	Tags       []string  `json:"tags,omitzero"`       // nil is left out, none is []
}

// Statistics is the answer of GET /statistics/devices.
type Statistics struct {
	TotalDeviceCount    int64 `json:"totalDeviceCount"`
	EnabledDeviceCount  int64 `json:"enabledDeviceCount"`
	DisabledDeviceCount int64 `json:"disabledDeviceCount"`
}

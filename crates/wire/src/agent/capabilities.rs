//! What a worker can do and for whom, as it declares it and as the journal keeps it.

use super::{check_count, check_name};
use crate::tree::{self, Bounds, Kind, Node, Object, Place, Wrong, value};
use crate::words::IsolationWord;
use crate::{Json, Malformed, json, limits};
use fleet::{Capabilities, CustomerAccess, CustomerId, Hardware, Number, Service, Value, WorkflowId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CapabilitiesBody {
    #[serde(deserialize_with = "json::object")]
    pub hardware: HardwareBody,
    /// By service.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, Vec<String>>,
    /// Those that need no loading now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loaded_models: Vec<String>,
    #[serde(skip_serializing_if = "CustomerAccessBody::says_nothing", deserialize_with = "json::object")]
    pub customer_access: CustomerAccessBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What else jobs may ask for: an object, nested or with dotted names, of numbers, texts,
    /// truths and lists of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub custom: Option<Json>,
    /// The only workflow whose jobs it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HardwareBody {
    pub gpu_count: u32,
    pub gpu_memory_gb: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_model: Option<String>,
    pub cpu_cores: u32,
    pub ram_gb: f64,
}

/// Whose jobs a worker takes: those of `allowed_customers`, of everyone if there are none there,
/// and never those of `denied_customers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CustomerAccessBody {
    pub isolation: IsolationWord,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_customers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied_customers: Vec<String>,
}

impl CapabilitiesBody {
    /// As the journal keeps them; the services stand beside it.
    pub(crate) fn of(capabilities: &Capabilities, loaded_models: &BTreeSet<String>) -> CapabilitiesBody {
        let Capabilities { services: _, hardware, models, access, region, tags, custom, workflow } = capabilities;
        let listed = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
        let custom = (!custom.is_empty()).then(|| show_custom(custom));
        CapabilitiesBody {
            hardware: HardwareBody::of(hardware),
            models: models.iter().map(|(service, names)| (service.clone(), listed(names))).collect(),
            loaded_models: listed(loaded_models),
            customer_access: CustomerAccessBody::of(access),
            region: region.clone(),
            tags: listed(tags),
            custom: custom.and_then(|custom| serde_json::value::to_raw_value(&custom).ok()),
            workflow_id: workflow.as_ref().map(ToString::to_string),
        }
    }

    /// Whether all of it is within its limits, together with the names of the services.
    pub(super) fn check(&self, services: &[String]) -> Result<(), Malformed> {
        let CapabilitiesBody { hardware, models, loaded_models, customer_access: access, region, tags, .. } = self;
        let model_names = || models.keys().chain(models.values().flatten());
        check_count("capabilities.models", models.values().map(|names| names.len().max(1)).sum(), limits::MODELS_MAX)?;
        check_name("capabilities.models", model_names())?;
        check_count("capabilities.loaded_models", loaded_models.len(), limits::MODELS_MAX)?;
        check_name("capabilities.loaded_models", loaded_models)?;
        check_name("capabilities.hardware.gpu_model", &hardware.gpu_model)?;
        for (field, customers) in access.lists() {
            check_count(&format!("capabilities.customer_access.{field}"), customers.len(), limits::CUSTOMERS_MAX)?;
        }
        check_name("capabilities.region", region)?;
        check_count("capabilities.tags", tags.len(), limits::TAGS_MAX)?;
        check_name("capabilities.tags", tags)?;
        let customers = access.lists().into_iter().flat_map(|(_, customers)| customers);
        let names = services.iter().chain(model_names()).chain(loaded_models).chain(customers).chain(tags);
        let names = names.chain(&hardware.gpu_model).chain(region).chain(&self.workflow_id);
        let custom = self.custom.as_ref().map_or(0, |custom| custom.get().len());
        let (bytes, max) = (names.map(String::len).sum::<usize>() + custom, limits::CAPABILITIES_BYTES_MAX);
        match bytes > max {
            true => {
                let why = format!("its names and those of services are {bytes} bytes long; at most {max} are allowed");
                Err(Malformed::field("capabilities", why))
            }
            false => Ok(()),
        }
    }

    /// What it declares for these services, and which models are loaded.
    pub(crate) fn load(self, services: &[String]) -> Result<(Capabilities, BTreeSet<String>), Malformed> {
        let services = services.iter().map(|name| Service::parse(name)).collect::<Result<_, _>>();
        let custom = self.custom.as_deref().map_or(Ok(BTreeMap::new()), |custom| {
            let place = Place::of(&["capabilities", "custom"]);
            let bounds = Bounds { depth_max: limits::CUSTOM_DEPTH_MAX, leaves_max: limits::CUSTOM_LEAVES_MAX };
            tree::read(custom, place, bounds).and_then(Node::into_object).and_then(flat)
        });
        let workflow = self.workflow_id.as_deref().map(WorkflowId::parse).transpose();
        let capabilities = Capabilities {
            services: services.map_err(|error| Malformed::field("services", error))?,
            hardware: self.hardware.load()?,
            models: self.models.into_iter().map(|(name, models)| (name, models.into_iter().collect())).collect(),
            access: self.customer_access.load()?,
            region: self.region,
            tags: self.tags.into_iter().collect(),
            custom: custom.map_err(|wrong| Malformed::field(wrong.place.dotted(), wrong.why))?,
            workflow: workflow.map_err(|error| Malformed::field("capabilities.workflow_id", error))?,
        };
        Ok((capabilities, self.loaded_models.into_iter().collect()))
    }
}

impl HardwareBody {
    fn of(hardware: &Hardware) -> HardwareBody {
        HardwareBody {
            gpu_count: hardware.gpu_count,
            gpu_memory_gb: hardware.gpu_memory_gb.get(),
            gpu_model: hardware.gpu_model.clone(),
            cpu_cores: hardware.cpu_cores,
            ram_gb: hardware.ram_gb.get(),
        }
    }

    fn load(self) -> Result<Hardware, Malformed> {
        let number = |field: &str, number: f64| {
            let why = || Malformed::field(format!("capabilities.hardware.{field}"), "must be a finite number");
            Number::new(number).ok_or_else(why)
        };
        Ok(Hardware {
            gpu_count: self.gpu_count,
            gpu_memory_gb: number("gpu_memory_gb", self.gpu_memory_gb)?,
            gpu_model: self.gpu_model,
            cpu_cores: self.cpu_cores,
            ram_gb: number("ram_gb", self.ram_gb)?,
        })
    }
}

impl CustomerAccessBody {
    pub(crate) fn of(access: &CustomerAccess) -> CustomerAccessBody {
        let listed = |customers: &BTreeSet<CustomerId>| customers.iter().map(ToString::to_string).collect();
        CustomerAccessBody {
            isolation: access.isolation.into(),
            allowed_customers: listed(&access.allowed),
            denied_customers: listed(&access.denied),
        }
    }

    /// Neither strict nor choosy.
    pub(crate) fn says_nothing(&self) -> bool {
        *self == CustomerAccessBody::default()
    }

    fn lists(&self) -> [(&'static str, &Vec<String>); 2] {
        [("allowed_customers", &self.allowed_customers), ("denied_customers", &self.denied_customers)]
    }

    fn load(&self) -> Result<CustomerAccess, Malformed> {
        let [allowed, denied] = self.lists().map(|(field, customers)| {
            let parse = |text: &String| CustomerId::parse(text);
            let why = |error| Malformed::field(format!("capabilities.customer_access.{field}"), error);
            customers.iter().map(parse).collect::<Result<BTreeSet<_>, _>>().map_err(why)
        });
        Ok(CustomerAccess { isolation: self.isolation.into(), allowed: allowed?, denied: denied? })
    }
}

/// Every value by its dotted path.
fn flat(object: Object) -> Result<BTreeMap<String, Value>, Wrong> {
    let mut flat = BTreeMap::new();
    object.into_iter().try_for_each(|(name, node)| add(&mut flat, name, node))?;
    Ok(flat)
}

fn add(flat: &mut BTreeMap<String, Value>, path: String, node: Node) -> Result<(), Wrong> {
    if path.len() > limits::NAME_BYTES_MAX {
        return Err(tree::path_too_long(&node, &path));
    }
    let value = match node.kind {
        Kind::Null => return Err(node.must_be("a number, a text, true, false, a list or an object")),
        Kind::Object(object) => {
            return object.into_iter().try_for_each(|(name, node)| add(flat, format!("{path}.{name}"), node));
        }
        Kind::List(list) => Value::List(tree::scalars(list)?),
        Kind::One(scalar) => Value::One(scalar),
    };
    flat.insert(path, value);
    Ok(())
}

/// What a worker declares beside the known capabilities, by dotted path.
pub(crate) fn show_custom(custom: &BTreeMap<String, Value>) -> BTreeMap<String, serde_json::Value> {
    let shown = |declared: &Value| match declared {
        Value::One(one) => value(one),
        Value::List(list) => list.iter().map(value).collect(),
    };
    custom.iter().map(|(path, declared)| (path.clone(), shown(declared))).collect()
}
